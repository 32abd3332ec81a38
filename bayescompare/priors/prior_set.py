"""The priors of all parameters of a model, and which of them are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.errors import PriorError, did_you_mean
from bayescompare.layout import Layout
from bayescompare.priors.answers import check_answers, density
from bayescompare.priors.base import Prior, Support, numpy_namespace
from bayescompare.priors.named import LKJ, Flat

__all__ = ["GIVEN", "PriorSet", "resolve"]

Array = npt.NDArray[np.float64]

#: Why a parameter has the prior that the user set on it.
GIVEN = "as given"


@dataclass(frozen=True, kw_only=True)
class PriorSet:
    """One prior for each parameter of a layout.

    Parameters
    ----------
    beta, sd : tuples of length p, q
    cor
        One prior a block of at least two effects.
    sigma
        Prior of the residual sd.
    why
        Label, as in `labels`, to the reason of its prior.
    """

    layout: Layout
    beta: tuple[Prior, ...]
    sd: tuple[Prior, ...]
    cor: tuple[Prior, ...]
    sigma: Prior
    why: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def _all(self) -> tuple[Prior, ...]:
        return (*self.beta, *self.sd, *self.cor, self.sigma)

    @property
    def signature(self) -> tuple[type[Prior], ...]:
        """The kinds of the priors: sets of one signature differ in their constants only."""
        return tuple(type(prior) for prior in self._all)

    def constants(self) -> Array:
        """Return the numbers of all priors in one vector."""
        return np.array([value for prior in self._all for value in prior.constants().values()], dtype=float)

    def with_constants(self, values: list[Any]) -> PriorSet:
        """Return the set with arrays or symbols for its numbers, in the order of `constants`."""
        remaining = iter(values)
        rebuilt = [prior.with_constants([next(remaining) for _ in prior.constants()]) for prior in self._all]
        p, q = len(self.beta), len(self.sd)
        return replace(
            self,
            beta=tuple(rebuilt[:p]),
            sd=tuple(rebuilt[p : p + q]),
            cor=tuple(rebuilt[p + q : -1]),
            sigma=rebuilt[-1],
        )

    def logp(self, beta: Any, sd: Any, factor: Any, sigma: Any, xp: Any) -> Any:
        """Return the log prior density by (beta, sds, correlations, sigma), without Jacobian.

        Parameters
        ----------
        beta, sd, sigma : (..., p), (..., q), (...)
        factor : (..., q, q)
            Cholesky factor of the correlation matrix.
        """
        total = density(self.sigma, sigma, xp)
        for i, prior in enumerate(self.beta):
            total = total + density(prior, beta[..., i], xp)
        for i, prior in enumerate(self.sd):
            total = total + density(prior, sd[..., i], xp)
        blocks = [block for block in self.layout.block_slices if block.stop - block.start > 1]
        for block, prior in zip(blocks, self.cor, strict=True):
            total = total + density(prior, factor[..., block, block], xp)
        return total

    def labels(self) -> dict[str, Prior]:
        """Return each prior under the label of its parameter, correlations under ``cor_g``."""
        found = dict(zip(self.layout.labels[: self.layout.p + self.layout.q], (*self.beta, *self.sd), strict=True))
        if self.cor:
            found[self.layout.cor_name] = self.cor[0]
        return found | {"sigma": self.sigma}


def _places(layout: Layout) -> dict[str, list[int]]:
    """Map each key that a prior can be set by to positions in the order beta, sd, one cor, sigma."""
    p, q = layout.p, layout.q
    places: dict[str, list[int]] = {"beta": list(range(p))} if p else {}
    places |= {label: [i] for i, label in enumerate(layout.labels[: p + q])}
    if q:
        places[layout.sd_name] = list(range(p, p + q))
    if layout.m:
        places[layout.cor_name] = [p + q]
    places["sigma"] = [-1]
    return places


def _check_support(key: str, prior: Prior, layout: Layout) -> None:
    """Refuse a prior whose support is not its parameter's."""
    wanted: Support = "real" if key.startswith("beta") else "correlation" if key == layout.cor_name else "positive"
    if not prior.suits(wanted):
        advice = {
            "positive": "a standard deviation needs a positive one, such as HalfNormal(1)",
            "real": "a fixed effect needs one on the whole line, such as Normal(0, 1)",
            "correlation": "correlations need one such as LKJ(2)",
        }
        raise PriorError(
            f"{prior!r} is a prior on {prior.support} values and cannot be set on {key!r}: {advice[wanted]}."
        )


def resolve(given: Mapping[str, Prior], defaults: PriorSet) -> PriorSet:
    """Return the defaults with the given priors in place; a single parameter wins over its variable.

    Raises
    ------
    PriorError
        For an unknown parameter, a support that does not fit, a density that cannot be computed, or an improper
        posterior.
    """
    layout = defaults.layout
    places = _places(layout)
    chosen: list[Prior] = [*defaults.beta, *defaults.sd, *(defaults.cor[:1]), defaults.sigma]
    labels, why = list(defaults.labels()), dict(defaults.why)
    for key in sorted(given, key=lambda name: "[" in name):
        if key not in places:
            raise PriorError(f"The model has no parameter {key!r} to set a prior on.{did_you_mean(key, places)}")
        _check_support(key, given[key], layout)
        check_answers(given[key])
        # uniform over correlation matrices is the LKJ distribution at one
        prior = LKJ(1.0) if key == layout.cor_name and isinstance(given[key], Flat) else given[key]
        for place in places[key]:
            chosen[place] = prior
            why[labels[place]] = GIVEN
    p, q = layout.p, layout.q
    _check_proper(chosen[p : p + q], layout)
    return PriorSet(
        layout=layout,
        beta=tuple(chosen[:p]),
        sd=tuple(chosen[p : p + q]),
        cor=tuple(chosen[p + q : -1]) * len(defaults.cor),
        sigma=chosen[-1],
        why=why,
    )


#: Sds, in the parameter's units, so small and so large that nothing but powers of the sd is left of a density.
_SMALL, _LARGE = (1e-100, 1e-150), (1e100, 1e150)


def _power(prior: Prior, here: float, there: float) -> float:
    """Return the power of the sd that a density follows between two points, NaN where it is not finite there.

    A user's density may raise so far out; what is wrong with it is said by those who use it.
    """
    try:
        with np.errstate(all="ignore"):
            first, second = (float(prior.logp(np.float64(x), numpy_namespace())) for x in (here, there))
    except Exception:
        return np.nan
    return (second - first) / np.log(there / here) if np.isfinite(first) and np.isfinite(second) else np.nan


def _check_proper(sds: list[Prior], layout: Layout) -> None:
    """Refuse sd priors whose posterior cannot be normalised.

    The likelihood of ``J`` groups does not vanish as the sd goes to 0, and falls off as its power
    ``-(J - 1)`` where the sd is large and the group means have a flat intercept: Gelman (2006, section 3).
    """
    for prior, effect in zip(sds, layout.effects, strict=True):
        label, groups = f"{layout.sd_name}[{effect}]", len(layout.levels)
        if groups <= _power(prior, *_LARGE) + 2 + 1e-9:
            name = "A flat prior" if isinstance(prior, Flat) else f"The prior {prior!r}"
            raise PriorError(
                f"{name} on {label} with {groups} groups has an improper posterior: "
                f"at least {_fewest(prior)} groups are needed. Set a proper prior, such as HalfNormal."
            )
        if _power(prior, *_SMALL) <= -1 + 1e-9:
            raise PriorError(
                f"The prior {prior!r} of {label} grows like 1/sd at zero (flat on log sd): its posterior is improper, "
                "since the likelihood does not vanish there. Set a proper prior, such as HalfNormal."
            )


def _fewest(prior: Prior) -> int:
    """Return the least number of groups with which the likelihood outweighs a density at large sds."""
    return int(np.floor(_power(prior, *_LARGE) + 2 + 1e-9)) + 1
