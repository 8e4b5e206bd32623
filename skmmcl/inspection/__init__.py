"""What a fitted model relies on."""

from skmmcl.inspection._importance import modality_importance

__all__ = ["modality_importance"]
