"""Augmentation of several modalities of the same subjects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from skmmcl.augmentation._base import Augmentation, Compose, Transform
from skmmcl.exceptions import ModalityError

Augment = Mapping[Any, Transform]
Asked = Augment | Transform | Literal["auto"] | None  # "auto": see `resolve_augment`


def by_name(augment: Asked, names: Iterable[str]) -> Augment:
    """Return the augmentation by the names of modalities; empty for "auto" and None."""
    if augment is None or augment == "auto":
        return {}
    if callable(augment):
        return dict.fromkeys(names, augment)
    if not isinstance(augment, Mapping):
        raise ModalityError(
            f"augment must be a dict of modalities, a callable, 'auto' or None, got {augment!r}."
        )
    return augment


def augmented_names(augment: Asked, names: Iterable[str] = ()) -> list[str]:
    """List the modalities for which the user gives an augmentation.

    Parameters
    ----------
    augment : dict of str or tuple of str to callable, callable, "auto" or None
        As `resolve_augment` takes it.
    names : iterable of str, default=()
        All modalities, which a callable augments.

    Returns
    -------
    list of str
        Each name once; empty for "auto".

    Examples
    --------
    >>> from skmmcl.augmentation import Flip, augmented_names
    >>> augmented_names({("t1", "falff"): Flip(), "t1": Flip(1)})
    ['t1', 'falff']
    """
    keys = by_name(augment, names)
    return list(dict.fromkeys(name for key in keys for name in _names(key)))


def check_augment(augment: Asked, shapes: Mapping[str, Sequence[int]]) -> None:
    """Check before training that the modalities can be augmented as requested.

    Parameters
    ----------
    augment : dict of str or tuple of str to callable, callable, "auto" or None
        As `resolve_augment` takes it.
    shapes : mapping of str to tuple
        Shape of one subject in each modality.

    Raises
    ------
    ModalityError
        If a name is unknown, a transform cannot be called, or modalities that share a draw
        differ in shape.

    Examples
    --------
    >>> from skmmcl.augmentation import Flip, check_augment
    >>> check_augment({"t1": Flip()}, {"falff": (8, 8, 8)})
    Traceback (most recent call last):
        ...
    skmmcl.exceptions.ModalityError: augment names ['t1']; the modalities are ['falff'].
    """
    augment = by_name(augment, shapes)
    unknown = [name for name in augmented_names(augment) if name not in shapes]
    if unknown:
        raise ModalityError(f"augment names {unknown}; the modalities are {list(shapes)}.")
    for key, transform in augment.items():
        if not callable(transform):
            raise ModalityError(
                f"augment of modality {key!r} must be called as transform(x, generator), got "
                f"{transform!r}."
            )
        found = {tuple(shapes[name]) for name in _names(key)}
        if len(found) > 1:
            raise ModalityError(
                f"augment gives {key!r} the same draw, but their shapes differ: {sorted(found)}."
            )


def try_augment(augment: Asked, x: Mapping[str, Any]) -> None:
    """Check before training that augmentations keep the form of two subjects.

    Parameters
    ----------
    augment : dict of str or tuple of str to callable, callable, "auto" or None
        As `resolve_augment` takes it; "auto" is not tried.
    x : mapping of str to Tensor ``(n_samples, *shape)``
        The modalities of all subjects, of which the first two are augmented.

    Raises
    ------
    ModalityError
        If a transform fails or returns another type or shape, or values that are not finite.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import try_augment
    >>> try_augment({"t1": lambda x, generator: x[:1]}, {"t1": torch.zeros(4, 8)})
    Traceback (most recent call last):
        ...
    skmmcl.exceptions.ModalityError: augment of modality 't1' gave shape (1, 8) ...
    """
    generator = torch.Generator().manual_seed(0)
    for key, transform in by_name(augment, x).items():
        drawn = generator.get_state()
        for name in _names(key):
            generator.set_state(drawn)
            rows = torch.arange(min(2, len(x[name])))
            before = x[name][rows].clone()
            try:
                after = transform(before.clone(), generator)
            except Exception as error:
                raise ModalityError(
                    f"augment of modality {name!r} fails for a batch of shape "
                    f"{tuple(before.shape)}: {type(error).__name__}: {error}"
                ) from error
            _check_form(name, before, after)
            if not after.isfinite().all():
                raise ModalityError(f"augment of modality {name!r} gave NaN or infinite values.")


def _check_form(name: str, before: Tensor, after: Any) -> None:
    if not isinstance(after, Tensor) or not after.is_floating_point():
        found = after.dtype if isinstance(after, Tensor) else type(after).__name__
        raise ModalityError(
            f"augment of modality {name!r} must give a Tensor of floats, got {found}."
        )
    if after.shape != before.shape:
        raise ModalityError(
            f"augment of modality {name!r} gave shape {tuple(after.shape)} for a batch of shape "
            f"{tuple(before.shape)}; the shape must stay the same."
        )


def augment_batch(
    x: Mapping[str, Tensor], augment: Augment, generator: torch.Generator
) -> dict[str, Tensor]:
    """Augment the modalities of a batch.

    Parameters
    ----------
    x : dict of Tensor ``(n_samples, *shape)``
        The modalities.
    augment : dict of str or tuple of str to callable
        Augmentation of each modality, applied in this order and called as
        ``transform(x, generator)``. Modalities in one tuple must have the same shape and get the
        same draw, including noise.
    generator : torch.Generator
        Source of the draws, on the CPU.

    Returns
    -------
    dict of Tensor
        All modalities; those without an augmentation are unchanged.

    Raises
    ------
    ModalityError
        If a transform changes the shape of a modality.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import Cutout, augment_batch
    >>> x = {"t1": torch.ones(4, 8, 8, 8), "falff": torch.ones(4, 8, 8, 8)}
    >>> generator = torch.Generator().manual_seed(0)
    >>> out = augment_batch(x, {("t1", "falff"): Cutout()}, generator)
    >>> torch.equal(out["t1"], out["falff"])
    True
    """
    out = dict(x)
    for key, transform in augment.items():
        before = generator.get_state()
        for name in _names(key):
            generator.set_state(before)
            changed = transform(out[name], generator)
            _check_form(name, out[name], changed)
            out[name] = changed
    return out


def is_local(transform: Transform) -> bool:
    """Return whether a transform draws only from the generator that it is given.

    Functions and classes of other packages may use others, so that the answer is False.

    Parameters
    ----------
    transform : callable
        Called as ``transform(x, generator)``.

    Returns
    -------
    bool
        False if torch's global generator may be touched.

    Examples
    --------
    >>> from skmmcl.augmentation import Flip, is_local
    >>> is_local(Flip()), is_local(lambda x, generator: x)
    (True, False)
    """
    if isinstance(transform, Compose):
        return all(is_local(step) for step in transform.transforms)
    return isinstance(transform, Augmentation)


def _names(key: str | tuple[str, ...]) -> tuple[str, ...]:
    return key if isinstance(key, tuple) else (key,)
