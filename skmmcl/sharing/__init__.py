"""Sharing of models: files without code, and the Hugging Face hub."""

from skmmcl.sharing._card import model_card
from skmmcl.sharing._hub import from_hub, push_to_hub
from skmmcl.sharing._model import load_model, model_info, save_model

__all__ = [
    "from_hub",
    "load_model",
    "model_card",
    "model_info",
    "push_to_hub",
    "save_model",
]
