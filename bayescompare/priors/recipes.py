"""How the named sets make their priors of a model and its data, each with its reason.

Each maker takes the layout, the response ``(n,)`` and the columns ``(n, p)`` and ``(n, q)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from bayescompare.layout import Layout
from bayescompare.priors.base import Prior
from bayescompare.priors.named import (
    LKJ,
    BoundaryAvoiding,
    Flat,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    Normal,
    PCPrior,
    StudentT,
    Uniform,
)
from bayescompare.priors.prior_set import PriorSet
from bayescompare.priors.scale import Scale

__all__ = [
    "bambi",
    "brms",
    "bugs",
    "chung",
    "default_priors",
    "flat",
    "gelman_cauchy",
    "gelman_uniform",
    "inla",
    "penalised",
]

Array = npt.NDArray[np.float64]
#: A prior and why it is that one.
Reasoned = tuple[Prior, str]

_NOTHING: Reasoned = (Flat(), "no information")
_CORRELATIONS = {
    1.0: "uniform over correlation matrices",
    1.5: "det(R)^(1/2), the correlations' part of det(S)^(1/2)",
    2.0: "slightly less weight on correlations near -1 and 1",
}


def _spread(column: Array) -> float:
    """Return the sd of a column, or its absolute level where it is constant."""
    spread = float(np.std(column))
    level = float(np.max(np.abs(column), initial=0.0))
    return spread if spread > 1e-12 * level else level or 1.0


def _is_constant(column: Array) -> bool:
    return bool(np.all(column == 1.0))


def _sd(column: Array, name: str) -> Scale:
    """Return the spread of a column by its name."""
    return Scale.of(_spread(column), f"sd({name})" if np.ptp(column) > 0 else f"level({name})")


def _over(scale: Scale, columns: Array, names: Sequence[str]) -> list[Scale]:
    """Return a scale over the spread of each column; a column of ones leaves it as it is."""
    return [
        scale if _is_constant(column) else scale / _sd(column, name)
        for column, name in zip(columns.T, names, strict=True)
    ]


def _set(layout: Layout, *, beta: Iterable[Reasoned], sd: Iterable[Reasoned], cor: float, sigma: Reasoned) -> PriorSet:
    """Return a set with one LKJ prior a block of correlated effects."""
    blocks = sum(len(block) > 1 for block in layout.blocks)
    correlated: list[Reasoned] = [(LKJ(cor), _CORRELATIONS[cor])] * blocks
    fixed, sds = list(beta), list(sd)
    named = zip(layout.labels[: layout.p + layout.q], (*fixed, *sds), strict=True)
    why = {label: reason for label, (_, reason) in named}
    why |= {layout.cor_name: _CORRELATIONS[cor]} if blocks else {}
    return PriorSet(
        layout=layout,
        beta=tuple(prior for prior, _ in fixed),
        sd=tuple(prior for prior, _ in sds),
        cor=tuple(prior for prior, _ in correlated),
        sigma=sigma[0],
        why=why | {"sigma": sigma[1]},
    )


def _intercept_scale(y: Array, x: Array) -> Scale:
    """Return Bambi's sd of the intercept: the variance that the slopes' priors imply at the raw predictors."""
    spread = 2.5 * _sd(y, "y")
    away = sum((spread.value / _spread(column) * column.mean()) ** 2 for column in x.T if not _is_constant(column))
    if not away:
        return spread
    return Scale(
        float(np.sqrt(spread.value**2 + away)),
        f"√(({spread.words})² + Σ (slope's sd × mean(x))²)",
        f"√(({spread.digits})² + {away**0.5:.4g}²)",
    )


def _scaled(layout: Layout, y: Array, x: Array) -> list[Reasoned]:
    """Return Normal(0, 2.5 sd(y) / sd(x)) for slopes, and Bambi's intercept."""
    centre, wide = Scale.of(float(y.mean()), "mean(y)"), _intercept_scale(y, x)
    intercept: Reasoned = (Normal(centre.value, wide.value), f"mu: {centre.reason}; sigma: {wide.reason}")
    slopes = _over(2.5 * _sd(y, "y"), x, layout.coefs)
    return [
        intercept if _is_constant(column) else (Normal(0.0, scale.value), f"sigma: {scale.reason}")
        for column, scale in zip(x.T, slopes, strict=True)
    ]


def _residual(y: Array) -> Reasoned:
    """Return Bambi's prior of the residual sd."""
    spread = _sd(y, "y")
    return HalfStudentT(4.0, spread.value), f"sigma: {spread.reason}"


def default_priors(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return weakly informative priors that scale with the data, as Bambi's do.

    Slopes are Normal(0, 2.5 sd(y) / sd(x)); the intercept is Normal about the mean of ``y`` with
    the variance that the slopes' priors imply at the raw predictors; each random-effect sd is
    HalfNormal with 2.5 sd(y) / sd(z); sigma is HalfStudentT(4, sd(y)); correlations are LKJ(2).
    """
    scales = _over(2.5 * _sd(y, "y"), z, layout.effects)
    sd = [(HalfNormal(scale.value), scale.reason) for scale in scales]
    return _set(layout, beta=_scaled(layout, y, x), sd=sd, cor=2.0, sigma=_residual(y))


def bambi(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return the priors of Bambi's ``PriorScaler``: a random intercept has the scale of the intercept."""
    intercept = _intercept_scale(y, x)
    scales = [
        intercept if _is_constant(column) else scale
        for column, scale in zip(z.T, _over(2.5 * _sd(y, "y"), z, layout.effects), strict=True)
    ]
    sd = [(HalfNormal(scale.value), scale.reason) for scale in scales]
    return _set(layout, beta=_scaled(layout, y, x), sd=sd, cor=1.0, sigma=_residual(y))


def flat(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return constant densities."""
    return _set(layout, beta=[_NOTHING] * layout.p, sd=[_NOTHING] * layout.q, cor=1.0, sigma=_NOTHING)


def brms(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return the priors of brms 2 for a Gaussian response, whose numbers it rounds to one decimal."""
    middle = Scale.of(round(float(np.median(y)), 1), "median(y)")
    # R's mad, which estimates the sd of a normal distribution
    mad = round(1.4826 * float(np.median(np.abs(y - float(np.median(y))))), 1)
    scale = Scale(max(2.5, mad), "max(2.5, mad(y))", f"max(2.5, {mad:g})")
    # brms sets it on the intercept at the predictors' means, which with flat slopes says next to nothing of ours
    alone: Reasoned = (StudentT(3.0, middle.value, scale.value), f"mu: {middle.reason}; sigma: {scale.reason}")
    half: Reasoned = (HalfStudentT(3.0, scale.value), f"sigma: {scale.reason}")
    beta = [alone if layout.p == 1 and _is_constant(column) else _NOTHING for column in x.T]
    return _set(layout, beta=beta, sd=[half] * layout.q, cor=1.0, sigma=half)


def gelman_uniform(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return Uniform(0, 100 sd(y) / sd(z)) for the sds, flat for the rest."""
    scales = _over(100 * _sd(y, "y"), z, layout.effects)
    sd = [(Uniform(0.0, scale.value), f"upper: {scale.reason}") for scale in scales]
    return _set(layout, beta=[_NOTHING] * layout.p, sd=sd, cor=1.0, sigma=_NOTHING)


def gelman_cauchy(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return HalfCauchy(2.5 sd(y) / sd(z)) for the sds, flat for the rest."""
    scales = _over(2.5 * _sd(y, "y"), z, layout.effects)
    sd = [(HalfCauchy(scale.value), scale.reason) for scale in scales]
    return _set(layout, beta=[_NOTHING] * layout.p, sd=sd, cor=1.0, sigma=_NOTHING)


def chung(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return the density ``det(S)^(1/2)`` of the effects' covariance: Wishart with q + 2 degrees of freedom."""
    sd: list[Reasoned] = [(BoundaryAvoiding(), "zero where the sd is zero: a mode stays off it")] * layout.q
    return _set(layout, beta=[_NOTHING] * layout.p, sd=sd, cor=1.5, sigma=_NOTHING)


def penalised(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return PCPrior(3 sd of the least-squares residuals / sd(z), 0.01) for the sds and sigma, flat for the rest."""
    left = y - x @ np.linalg.lstsq(x, y)[0] if layout.p else y
    exact = not np.std(left) > 1e-9 * np.std(y)
    scale = 3 * (_sd(y, "y") if exact else Scale.of(_spread(left), "sd(residuals of least squares)"))
    sd = [(PCPrior(one.value), f"u: {one.reason}") for one in _over(scale, z, layout.effects)]
    sigma = PCPrior(scale.value), f"u: {scale.reason}"
    return _set(layout, beta=[_NOTHING] * layout.p, sd=sd, cor=1.0, sigma=sigma)


def inla(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return R-INLA's defaults: log-gamma(1, 5e-5) on log precisions, N(0, precision 0.001) on slopes."""
    slope: Reasoned = (Normal(0.0, 1000.0**0.5), "precision 0.001, whatever the units")
    variance: Reasoned = (InverseGamma(1.0, 5e-5), "log-gamma(1, 0.00005) on the log precision, whatever the units")
    beta = [_NOTHING if _is_constant(column) else slope for column in x.T]
    return _set(layout, beta=beta, sd=[variance] * layout.q, cor=1.0, sigma=variance)


def bugs(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return N(0, precision 1e-6) on fixed effects, InverseGamma(0.001, 0.001) on variances."""
    wide: Reasoned = (Normal(0.0, 1000.0), "precision 0.000001, whatever the units")
    variance: Reasoned = (InverseGamma(0.001, 0.001), "Gamma(0.001, 0.001) on the precision, whatever the units")
    return _set(layout, beta=[wide] * layout.p, sd=[variance] * layout.q, cor=1.0, sigma=variance)
