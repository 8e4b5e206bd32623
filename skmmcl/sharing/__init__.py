"""Models that can be given to others: files without code, and the Hugging Face hub."""

from skmmcl.sharing._model import load_model, model_info, save_model

__all__ = ["load_model", "model_info", "save_model"]
