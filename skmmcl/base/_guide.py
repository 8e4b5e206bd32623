"""Guidance of an objective besides the modalities: none, classes, or numbers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from skmmcl.data import MultimodalData

ADVICE_ON_NUMBERS = (
    "YAwareEmbedder and ContrastiveRegressionEmbedder are guided by numbers such as an age."
)


class Guide:
    """No guidance; subclasses read classes and numbers of the subjects.

    A guide is made for each fit, and serves all further calls of ``partial_fit``.

    Attributes
    ----------
    is_required : bool
        Whether ``fit`` requires ``y``.
    of_classes : bool
        Whether terms of the objective are computed on "y", codes of classes.
    without_y : str
        Advice on fitting without ``y``, added to the error where it is missing.
    instead_of_classes : str
        Advice added to the error where ``y`` holds numbers that are no classes.
    warns_of_numbers : bool
        Whether to warn of classes that look like a measured number.
    learned : dict of str to Any
        Public attributes of the fitted estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.base import Guide
    >>> class AgeGuide(Guide):
    ...     is_required = True
    ...
    ...     def values(self, y, data):
    ...         return np.asarray(y, dtype=float)[:, None]
    >>> AgeGuide().values([20, 30], data=None).shape
    (2, 1)
    """

    is_required = False
    of_classes = False
    without_y = ""
    instead_of_classes = ADVICE_ON_NUMBERS
    warns_of_numbers = True
    _kept: ClassVar[tuple[str, ...]] = ("learned",)  # attributes that training goes on with

    def __init__(self) -> None:
        self.learned: dict[str, Any] = {}

    def after(self, earlier: Guide) -> Guide:
        """Return the guide of a training that goes on, with the parameters of now.

        Parameters
        ----------
        earlier : Guide
            The guide of the training so far, whose learned state is taken over.

        Returns
        -------
        Guide
            By default this one.
        """
        if isinstance(earlier, type(self)):
            for name in self._kept:
                if hasattr(earlier, name):
                    setattr(self, name, getattr(earlier, name))
        return self

    def labels(self, y: Any, data: MultimodalData) -> Any:
        """Return the labels from which classes are read, one for each subject.

        Parameters
        ----------
        y : Any
            What the user gave, or None.
        data : MultimodalData
            All subjects.

        Returns
        -------
        array-like of shape (n_samples,)
            Labels.
        """
        return y

    def see_classes(self, codes: np.ndarray) -> None:
        """Check the class codes of the training subjects.

        Parameters
        ----------
        codes : ndarray of shape (n_samples,)
            -1 where unlabeled.
        """

    def values(self, y: Any, data: MultimodalData) -> np.ndarray | None:
        """Return the numbers that terms of the objective see as "targets".

        Parameters
        ----------
        y : Any
            What the user gave, or None.
        data : MultimodalData
            All subjects.

        Returns
        -------
        ndarray of shape (n_samples, n_columns) or None
            Numbers, NaN where unknown; None where no term needs them.
        """
        return None

    def strata(self, values: np.ndarray) -> np.ndarray | None:
        """Return the classes among these values, all of which every batch is to hold.

        They are used where nothing else asks for classes of ``y``.

        Parameters
        ----------
        values : ndarray of shape (n_samples, n_columns)
            As `values` gives them.

        Returns
        -------
        ndarray of int of shape (n_samples,) or None
            Codes, -1 where unknown; None where the values are no classes.
        """
        return None

    def learn(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        """Check the values of the training subjects, and learn from them what terms need.

        Parameters
        ----------
        values : ndarray of shape (n_samples, n_columns)
            As `values` gives them.
        sample_weight : ndarray of shape (n_samples,) or None
            How often a subject counts.
        """


class ClassGuide(Guide):
    """Guidance by the class of each subject in ``y``.

    Parameters
    ----------
    without_y : str, default=""
        Advice on fitting without ``y``, added to the error where it is missing.
    instead_of_classes : str
        Advice added to the error where ``y`` holds numbers that are no classes.

    Examples
    --------
    >>> from skmmcl.base import ClassGuide
    >>> ClassGuide().of_classes
    True
    """

    is_required = True
    of_classes = True

    def __init__(self, *, without_y: str = "", instead_of_classes: str = ADVICE_ON_NUMBERS) -> None:
        super().__init__()
        self.without_y, self.instead_of_classes = without_y, instead_of_classes
