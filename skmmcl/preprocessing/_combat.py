"""Harmonization of sites by empirical Bayes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.preprocessing._side_data import SideDataTransformer, side_values
from skmmcl.utils._plain import plain_labels
from skmmcl.utils._sklearn import StrOptions

TOLERANCE = 1e-8  # of effects, which are in units of the standard deviation within sites
MAX_ITER = 1000


@dataclass
class SiteEffects:
    """Effects that ComBat learned of a modality.

    Attributes
    ----------
    intercept, scale : ndarray of shape (n_values,)
        Grand mean, and standard deviation within sites.
    slopes : ndarray of shape (n_covariate_columns, n_values)
        Effects of the covariates.
    shift, spread : dict of str to ndarray of shape (n_values,)
        Additive effect and factor of the variance of each site, in units of `scale`.
    """

    intercept: np.ndarray
    scale: np.ndarray
    slopes: np.ndarray
    shift: dict[str, np.ndarray]
    spread: dict[str, np.ndarray]


class ComBat(SideDataTransformer):
    """Remove differences between sites in mean and variance.

    Each value of a modality has an additive and a multiplicative effect of the site, and effects of
    covariates, which are kept. The effects of a site are shrunk towards their
    distribution over all values of the modality. All is learned on the training subjects.

    Parameters
    ----------
    site : str, default="site"
        Name of the side data with the site of each subject: text or numbers, of which 1, 1.0
        and True are one site.
    covariates : str or list of str, default=None
        Side data whose effects are kept: numbers linearly, text as classes. They must be
        known for new subjects as well, so the target cannot be one of them.
    modalities : list of str, default=None
        Modalities to harmonize; None for all.
    shrink : bool, default=True
        Whether site effects are shrunk towards their mean over the values of the modality
        (empirical Bayes), which needs at least two values. False for the raw estimates.
    unseen_sites : {"error", "passthrough"}, default="error"
        Treatment of subjects from a site that no training subject had: an error, or they stay
        as they are.

    Attributes
    ----------
    models_ : dict of str to SiteEffects
        Estimated effects by modality.
    modalities_ : tuple of str
        The modalities that are transformed.
    sites_ : list of str
        Sites of the training subjects, as text.

    See Also
    --------
    ConfoundRegressor : Removes linear effects of side data.
    skmmcl.metrics.site_predictability : How much of the site is left.

    Notes
    -----
    A site with a single training subject is shifted and not scaled.

    Results equal those of neuroCombat 0.2.12, which cannot be applied to new subjects with
    covariates. Other packages need old versions of numpy, or take the sites separately from X, so
    that no search or cross-validation slices them with the subjects.

    References
    ----------
    :cite:t:`johnson2007`, :cite:t:`fortin2018`.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.data import MultimodalData
    >>> from skmmcl.preprocessing import ComBat
    >>> rng = np.random.default_rng(0)
    >>> site = np.repeat(["A", "B"], 50)
    >>> smri = rng.normal(size=(100, 20)) + 3 * (site == "B")[:, None]
    >>> X = MultimodalData(smri=smri, meta={"site": site})
    >>> smri = ComBat().fit_transform(X)["smri"]
    >>> bool(abs(smri[:50].mean() - smri[50:].mean()) < 0.05)
    True
    """

    _parameter_constraints: ClassVar = {
        "site": [str],
        "covariates": [str, list, tuple, None],
        "modalities": [list, tuple, None],
        "shrink": ["boolean"],
        "unseen_sites": [StrOptions({"error", "passthrough"})],
    }

    def __init__(
        self,
        site: str = "site",
        *,
        covariates: str | Sequence[str] | None = None,
        modalities: Sequence[str] | None = None,
        shrink: bool = True,
        unseen_sites: str = "error",
    ) -> None:
        self.site = site
        self.covariates = covariates
        self.modalities = modalities
        self.shrink = shrink
        self.unseen_sites = unseen_sites

    def _linear(self) -> str | Sequence[str] | None:
        return self.covariates

    def _learn_side_data(self, X: MultimodalData) -> None:
        self.sites_ = sorted(set(self._sites(X).tolist()))
        if len(self.sites_) < 2:
            raise DataError(f"ComBat needs at least two sites, X has only {self.sites_}.")
        written: dict[str, str] = {}
        for site in self.sites_:
            if (other := written.setdefault(_bare(site), site)) != site:
                raise DataError(
                    f"Side data {self.site!r} have the sites {other!r} and {site!r}, which differ "
                    "only in how they are written; write them in one way."
                )

    def _sites(self, X: MultimodalData) -> np.ndarray:
        return plain_labels(side_values(X, self.site), self.site)

    def _fit_model(
        self, values: np.ndarray, X: MultimodalData, rows: np.ndarray, name: str
    ) -> SiteEffects:
        sites, values = self._sites(X)[rows], values.astype(np.float64)
        here = np.unique(sites)
        of_site = (sites[:, None] == here).astype(float)
        columns = self._columns[name]
        covariates = columns.transform(X, rows)
        design = np.hstack([of_site, covariates])
        if np.linalg.matrix_rank(design) < design.shape[1]:
            raise DataError(
                f"In modality {name!r} the covariates {columns.names} are linearly dependent "
                f"on each other or on {self.site!r}: their effects are not determined."
            )
        effects = np.linalg.lstsq(design, values)[0]
        means, slopes = effects[: len(here)], effects[len(here) :]
        intercept = of_site.mean(axis=0) @ means
        scale = np.sqrt(np.mean((values - design @ effects) ** 2, axis=0))
        rounding = 100 * np.finfo(np.float64).eps * np.abs(values).max(axis=0)
        scale[scale <= rounding] = 0.0  # a constant value stays as it is
        residuals = (values - intercept - covariates @ slopes) / np.where(scale > 0, scale, 1.0)
        fits = {s: site_effects(residuals[sites == s], shrink=self.shrink) for s in here.tolist()}
        shift = {s: fit[0] for s, fit in fits.items()}
        spread = {s: fit[1] for s, fit in fits.items()}
        return SiteEffects(intercept, scale, slopes, shift, spread)

    def _apply(
        self, model: Any, values: np.ndarray, X: MultimodalData, rows: np.ndarray, name: str
    ) -> np.ndarray:
        sites, out = self._sites(X)[rows], values.astype(np.float64)
        self._check_sites(sites, sorted(model.shift))
        kept = model.intercept + self._columns[name].transform(X, rows) @ model.slopes
        for site, shift in model.shift.items():
            of_site = sites == site
            residual = out[of_site] - kept[of_site] - model.scale * shift
            varied = residual / np.sqrt(model.spread[site])
            out[of_site] = np.where(model.scale > 0, varied + kept[of_site], out[of_site])
        return out

    def _check_sites(self, sites: np.ndarray, known: list[str]) -> None:
        unseen = sorted(set(sites.tolist()) - set(known))
        if unseen and self.unseen_sites == "error":
            raise DataError(
                f"ComBat was not fitted on the sites {unseen[:5]}, but on {known}. With "
                "unseen_sites='passthrough' such subjects stay as they are."
            )
        meant = {_bare(site): site for site in known}
        for site in unseen:
            if _bare(site) in meant:
                raise DataError(
                    f"Side data {self.site!r} have the site {site!r}, which differs from "
                    f"{meant[_bare(site)]!r} of fit only in how it is written; write them in one "
                    "way."
                )


def _bare(site: str) -> str:
    """Return a site without what writings of one site differ in: blanks, case, zeros of numbers."""
    text = site.strip().casefold()
    try:
        number = float(text)
    except ValueError:
        return text
    if text.isdecimal():
        return text.lstrip("0") or "0"  # serial numbers of scanners have many digits
    return f"{number:.0f}" if number.is_integer() else f"{number:.7g}"


def site_effects(residuals: np.ndarray, *, shrink: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return additive effect and factor of the variance of a site, shrunk if asked."""
    n, n_values = residuals.shape
    shift = residuals.mean(axis=0)
    spread = residuals.var(axis=0, ddof=1) if n > 1 else np.ones(n_values)
    varied = spread > 0  # a value that is constant has no spread that could be scaled
    spread = np.where(varied, spread, 1.0)
    if not shrink or varied.sum() < 2:
        return shift, spread
    shift, spread = shift.copy(), spread.copy()
    shift[varied], spread[varied] = _shrunk(residuals[:, varied], shift[varied], spread[varied])
    return shift, spread


def _shrunk(
    residuals: np.ndarray, shift: np.ndarray, spread: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return posterior means: shifts have a normal prior, spreads an inverse gamma one."""
    n = len(residuals)
    center, variance = shift.mean(), shift.var(ddof=1)
    mean, width = spread.mean(), spread.var(ddof=1)
    if n == 1:  # without a spread of its own
        return (n * variance * shift + center) / (n * variance + 1), spread
    if variance == 0 or width == 0:
        return shift, spread
    shape, rate = mean**2 / width + 2, mean * (mean**2 / width + 1)
    new_shift, new_spread = shift, spread
    for _ in range(MAX_ITER):
        last = new_shift, new_spread
        new_shift = (n * variance * shift + new_spread * center) / (n * variance + new_spread)
        squares = ((residuals - new_shift) ** 2).sum(axis=0)
        new_spread = (rate + squares / 2) / (shape + n / 2 - 1)
        if np.allclose((new_shift, new_spread), last, rtol=0, atol=TOLERANCE):
            break
    return new_shift, new_spread
