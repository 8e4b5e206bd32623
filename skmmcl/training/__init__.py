"""The engine: objectives, batches, the skorch net, and its callbacks.

The only room that imports skorch.
"""

from skmmcl.training._batches import (
    SubjectSet,
    TrainingData,
    balanced_draw,
    class_aware_batches,
    prepared,
    split_subjects,
    to_tensor,
)
from skmmcl.training._callbacks import represent, represented
from skmmcl.training._checkpoint import Checkpoint, open_folder
from skmmcl.training._fingerprint import fingerprint
from skmmcl.training._fit import FitJob, fit_net, train
from skmmcl.training._jobs import checkpoint_folder
from skmmcl.training._net import EmbeddingNet, make_net
from skmmcl.training._objective import Objective, Term
from skmmcl.training._seeds import draws_globally, resolve_device, seeded
from skmmcl.training._settings import check_settings

__all__ = [
    "Checkpoint",
    "EmbeddingNet",
    "FitJob",
    "Objective",
    "SubjectSet",
    "Term",
    "TrainingData",
    "balanced_draw",
    "check_settings",
    "checkpoint_folder",
    "class_aware_batches",
    "draws_globally",
    "fingerprint",
    "fit_net",
    "make_net",
    "open_folder",
    "prepared",
    "represent",
    "represented",
    "resolve_device",
    "seeded",
    "split_subjects",
    "to_tensor",
    "train",
]
