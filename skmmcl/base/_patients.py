"""Guidance by diagnosis: patients and controls."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from skmmcl.base._guide import ADVICE_ON_NUMBERS, ClassGuide
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.utils._patients import label_of_patients
from skmmcl.utils._targets import as_labels, encode_classes


class PatientGuide(ClassGuide):
    """Guidance by two classes, patients and controls.

    Terms and networks see them as "targets", (n_samples, 1): 1 for patients, 0 for controls, NaN
    for unlabeled subjects. The estimator gets ``positive_``.

    Parameters
    ----------
    positive : object or None
        The label of the patients; None for 1 of 0 and 1, else for the last one, with a warning.
    user : str
        Name of the estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.base._patients import PatientGuide
    >>> from skmmcl.data import MultimodalData
    >>> guide = PatientGuide("SZ", "SepVAEEmbedder")
    >>> guide.values(["HC", "SZ"], MultimodalData(fc=np.zeros((2, 3)))).ravel().tolist()
    [0.0, 1.0]
    """

    _kept: ClassVar[tuple[str, ...]] = ("learned", "classes")

    def __init__(self, positive: Any, user: str) -> None:
        advice = f"{user} contrasts patients with controls: two classes. {ADVICE_ON_NUMBERS}"
        super().__init__(instead_of_classes=advice)
        self.positive, self.user = positive, user
        self.classes: np.ndarray | None = None

    def values(self, y: Any, data: MultimodalData) -> np.ndarray:
        """Return 1 for patients, 0 for controls and NaN for unlabeled subjects.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Labels of two classes.
        data : MultimodalData
            All subjects.

        Returns
        -------
        ndarray of shape (n_samples, 1)
            Numbers.
        """
        codes, classes = encode_classes(as_labels(y), self.classes)
        if self.classes is None:
            self._learn_classes(classes)
            self._check_modalities(codes, data)
        if self.positive is not None and self.positive != self.learned["positive_"]:
            raise ValueError(
                f"positive={self.positive!r}: this training began with the patients "
                f"{self.learned['positive_']!r}. Fit anew, or restore it."
            )
        is_patient = codes == classes.tolist().index(self.learned["positive_"])
        return np.where(codes < 0, np.nan, is_patient)[:, None]

    def _learn_classes(self, classes: np.ndarray) -> None:
        if len(classes) > 2:
            shown = f"{classes.tolist()[:10]}{', ...' if len(classes) > 10 else ''}"
            raise DataError(
                "Only binary classification is supported. The type of the target is multiclass: y "
                f"has the classes {shown}, and {self.user} contrasts patients with controls. Leave "
                "out the others, or mark them as unlabeled, -1."
            )
        self.classes = classes
        label = label_of_patients(classes, self.positive, self.user, stacklevel=8)
        self.learned["positive_"] = label

    def _check_modalities(self, codes: np.ndarray, data: MultimodalData) -> None:
        """Raise if all patients lack a modality, or all controls lack one that most patients have.

        The presence of that modality would reveal the diagnosis.
        """
        of_patients = self.classes.tolist().index(self.learned["positive_"])  # type: ignore[union-attr]
        groups = {"patients": codes == of_patients, "controls": codes == 1 - of_patients}
        for name, present in zip(data.modalities, data.mask.T, strict=True):
            reveals = {"patients": True, "controls": present[groups["patients"]].mean() > 0.5}
            for who, rows in groups.items():
                if reveals[who] and present.any() and rows.any() and not present[rows].any():
                    raise DataError(
                        f"Modality {name!r} is missing in all {rows.sum()} {who}. Leave it out: "
                        f"modalities={[m for m in data.modalities if m != name]}."
                    )
