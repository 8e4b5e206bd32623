"""Named arrays of the same subjects: the container, conversions to it, and checks of it."""

from skmmcl.data._checks import check_values
from skmmcl.data._container import MultimodalData
from skmmcl.data._convert import as_multimodal, is_multimodal, split_columns

__all__ = ["MultimodalData", "as_multimodal", "check_values", "is_multimodal", "split_columns"]
