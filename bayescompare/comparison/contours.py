"""The profile likelihood of two parameters on a grid: what the optimizers' ways are drawn over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize

from bayescompare.comparison.schema import TABLES
from bayescompare.engines.lbfgs.likelihood import natural_at
from bayescompare.engines.lbfgs.search import search
from bayescompare.errors import InputError, did_you_mean
from bayescompare.fits import Fit
from bayescompare.layout import Layout
from bayescompare.likelihood import kernel
from bayescompare.likelihood.coordinates import natural_working
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.wald import curvature

__all__ = ["REGIONS", "contour_pair", "contour_table", "profile_deviance"]

Array = npt.NDArray[np.float64]
Pair = tuple[str, str]

#: Probability of a region of two parameters -> profile deviance above the optimum at its edge (chi-square, 2 df).
REGIONS: Mapping[float, float] = {share: -2 * np.log1p(-share) for share in (0.5, 0.8, 0.95, 0.99)}

# Lines of the grid in the region, and in what is shown beside it.
_FINE, _COARSE = 29, 5
# Steps in which the region's edge is looked for, in standard errors and at most in log units, and how many.
_STEP, _LONGEST, _MOST = 0.75, 0.7, 12
# How far from the region, in widths of it, ways and draws are still shown.
_ROOM = 1.0
# Residual sds, over the size of the effect's column, that stand for an sd of zero: drawn, and held beside others.
_EDGE, _NOTHING = 0.02, 1e-4
# Standard error of a log sd or Fisher z that has none; the largest Fisher z.
_NO_ERROR, _LARGEST = 0.5, 3.0
_FAR, _STARTS = 1e100, 4
_OPTIONS = {"maxiter": 100, "ftol": 1e-10, "gtol": 1e-5}


def contour_pair(layout: Layout, names: Sequence[str] | None = None) -> Pair | None:
    """Return the two parameters to draw, checked; by default two sds, or the only one and sigma.

    None where none were asked for and the model has no random effect.

    Raises
    ------
    InputError
        If there are not two different ones, one is unknown, or a correlation cannot be held fixed.
    """
    if names is None:
        first, second, *_ = (*layout.labels[layout.sd], "sigma", "sigma")
        return (first, second) if layout.q else None
    if len(names) != 2 or names[0] == names[1]:
        raise InputError(f"Contours are of two different parameters, not of {', '.join(names) or 'none'}.")
    for name in names:
        if name not in layout.labels:
            raise InputError(f"Contours: there is no parameter {name!r}.{did_you_mean(name, layout.labels)}")
        _refuse_dependent(layout, name)
    return names[0], names[1]


def _refuse_dependent(layout: Layout, name: str) -> None:
    """Refuse a correlation that is not a coordinate: one of two effects neither of which is first in its term."""
    position = layout.index(name) - layout.cor.start
    if 0 <= position < layout.m and layout.pairs[position][0] not in layout.starts:
        first = ", ".join(layout.labels[layout.cor.start + k] for k, (i, _) in enumerate(layout.pairs)
                          if i in layout.starts)  # fmt: skip
        raise InputError(f"Contours of {name!r} are not drawn; of the correlations these can be: {first}.")


class _Profile:
    """The deviance with some working parameters held, minimised over the others.

    Working parameters are beta, log sds, Fisher z of the partial correlations and log sigma.

    Parameters
    ----------
    unit : (k,)
        Of each parameter in the search: about its standard error.
    """

    def __init__(self, problem: Problem, held: Sequence[int], unit: Array) -> None:
        self.problem, self.held, self.unit = problem, np.array(held), unit
        # beta has a formula where none of it is held
        first = 0 if any(k < problem.layout.p for k in held) else problem.layout.p
        self.free = np.setdiff1d(np.arange(first, problem.layout.size), self.held)
        self.whole = first == 0

    def value(self, w: Array) -> tuple[float, Array]:
        """Return the deviance at a point ``(k,)``, and its gradient."""
        d, p, gradient = self.problem.products, self.problem.layout.p, np.zeros(len(w))
        if self.whole:
            x = np.concatenate([d.delta(w[:p]), w[p:]])
            value, found = kernel.working(x, p, d.starts, d.t_inverse, d.r, d.c, d.within, float(d.n))
            gradient[:p], gradient[p:] = d.rx.T @ found[:p], found[p:]
        else:
            value, gradient[p:] = kernel.working_profiled(
                w[p:], d.starts, d.t_inverse, d.r, d.c, d.within, float(d.n), False
            )
        return (float(value), gradient) if np.isfinite(value) else (_FAR, np.zeros(len(w)))

    def at(self, start: Array, values: Array | Sequence[float]) -> tuple[float, Array]:
        """Return the least deviance with the held entries at some values, and the point where it is."""
        point = start.copy()
        point[self.held] = values
        unit = self.unit[self.free]

        def objective(part: Array) -> tuple[float, Array]:
            point[self.free] = part * unit
            value, gradient = self.value(point)
            return value, gradient[self.free] * unit

        if len(self.free):
            found = minimize(objective, point[self.free] / unit, jac=True, method="L-BFGS-B", options=_OPTIONS)
            point[self.free] = found.x * unit
        return self.value(point)[0], point


def profile_deviance(problem: Problem, theta: Array, names: Sequence[str]) -> float:
    """Return -2 log likelihood with the named parameters as at ``theta`` ``(k,)``, at the best of all others."""
    optimum = _Optimum.of(problem)
    held = [problem.layout.index(name) for name in names]
    w = natural_working(theta, problem.layout)
    return _Profile(problem, held, optimum.unit).at(optimum.point, w[held])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Optimum:
    """The maximum of the marginal likelihood: natural parameters, a point of the search beside it, and its units."""

    theta: Array
    deviance: float
    point: Array
    unit: Array

    @classmethod
    def of(cls, problem: Problem) -> _Optimum:
        """Find it."""
        layout = problem.layout
        found = search(problem, reml=False, starts=_STARTS, coordinates="cholesky", rng=np.random.default_rng(0))
        theta = natural_at(problem, found)
        bend = curvature(problem, theta, reml=False)
        point, unit = natural_working(theta, layout), bend.working_se.copy()
        # beside a zero there are no derivatives by log sd, and a correlation with it says nothing
        point[layout.sd] = np.maximum(point[layout.sd], _log_size(problem, theta, _NOTHING))
        point[layout.cor] = np.clip(np.nan_to_num(point[layout.cor]), -_LARGEST, _LARGEST)
        unit[~(np.isfinite(unit) & (unit > 0))] = _NO_ERROR
        return cls(theta=theta, deviance=found.deviance, point=point, unit=unit)


def _log_size(problem: Problem, theta: Array, share: float) -> Array:
    """Return logs ``(q,)`` of the sds that are some share of the residual sd, given the size of their columns."""
    size = np.sqrt(np.mean(problem.z**2, axis=0))
    return np.asarray(np.log(share * theta[problem.layout.sigma] / np.where(size > 0, size, 1.0)))


def _edge(profile: _Profile, optimum: _Optimum, position: int, sign: int, floor: float) -> float:
    """Return where, going from the optimum, the profile leaves the largest region, or the floor."""
    layout, most = profile.problem.layout, max(REGIONS.values())
    step = _STEP * optimum.unit[position]
    step = step if position < layout.p else min(step, _LONGEST)
    at, point = max(optimum.point[position], floor), optimum.point
    for _ in range(_MOST):
        at = max(at + sign * step, floor)
        value, point = profile.at(point, [at])
        if value - optimum.deviance > most or at == floor:
            break
    return float(at)


def _lines(low: float, high: float, shown: tuple[float, float]) -> Array:
    """Return the grid's lines: close ones in the region, a few beside it where more is shown."""
    parts = [np.linspace(low, high, _FINE)]
    parts += [np.linspace(shown[0], low, _COARSE)[:-1]] if shown[0] < low else []
    parts += [np.linspace(high, shown[1], _COARSE)[1:]] if shown[1] > high else []
    return np.sort(np.concatenate(parts))


def _axis(problem: Problem, optimum: _Optimum, position: int, seen: Array) -> Array:
    """Return the grid's lines of a parameter, in working units.

    Parameters
    ----------
    seen : (N,)
        Where ways and draws have been, in working units.
    """
    layout, profile = problem.layout, _Profile(problem, [position], optimum.unit)
    floor = -np.inf
    if layout.sd.start <= position < layout.sd.stop:
        floor = float(_log_size(problem, optimum.theta, _EDGE)[position - layout.sd.start])
        floor = min(floor, optimum.point[position] - _STEP) if optimum.theta[position] > 0 else floor
    low, high = (_edge(profile, optimum, position, sign, floor) for sign in (-1, 1))
    seen, room = seen[np.isfinite(seen)], _ROOM * (high - low)
    near = np.clip([seen.min(initial=low), seen.max(initial=high)], low - room, high + room)
    return _lines(low, high, (max(float(near[0]), floor), float(near[1])))


def _seen(problem: Problem, fits: Sequence[Fit]) -> Array:
    """Return where the optimizers have been and the draws mostly are, on the working scale ``(N, k)``."""
    layout = problem.layout
    found = [fit.path.values for fit in fits if fit.path is not None]
    found += [np.quantile(fit.draws.values.reshape(-1, layout.size), [0.005, 0.995], axis=0)
              for fit in fits if fit.draws is not None]  # fmt: skip
    values = np.concatenate([np.empty((0, layout.size)), *found])
    with np.errstate(all="ignore"):
        return np.array([natural_working(theta, layout) for theta in values]).reshape(-1, layout.size)


def _natural(layout: Layout, position: int, lines: Array) -> Array:
    """Return working values of one parameter in natural units."""
    if position < layout.p:
        return lines
    return np.tanh(lines) if layout.cor.start <= position < layout.cor.stop else np.exp(lines)


def _outwards(lines: Array, centre: float) -> Iterator[tuple[int, int]]:
    """Yield positions of lines from the centre outwards, each with the neighbour that came before it."""
    first = int(np.argmin(np.abs(lines - centre)))
    yield first, first
    yield from ((k, k - 1) for k in range(first + 1, len(lines)))
    yield from ((k, k + 1) for k in range(first - 1, -1, -1))


def contour_table(problem: Problem, pair: Pair, fits: Sequence[Fit] = ()) -> pd.DataFrame:
    """Return the profile deviance of two parameters on a grid, above that of the optimum.

    Parameters
    ----------
    pair
        As `contour_pair` returns it.
    fits
        Of the same data: the grid reaches to their ways and draws, unless these are far from the 99 % region.

    Returns
    -------
    DataFrame
        With the columns of the table ``contours``; empty where the likelihood has no maximum, or the data do not
        determine one of the two.
    """
    columns, layout = list(TABLES["contours"]), problem.layout
    held, optimum = [layout.index(name) for name in pair], _Optimum.of(problem)
    if not np.isfinite(optimum.deviance) or problem.identified.given[held].any():
        return pd.DataFrame(columns=columns)
    seen = _seen(problem, fits)
    x, y = (_axis(problem, optimum, k, seen[:, k]) for k in held)
    values = _grid(_Profile(problem, held, optimum.unit), optimum, x, y)
    across, up = np.meshgrid(_natural(layout, held[0], x), _natural(layout, held[1], y))
    rows = pd.DataFrame({
        "what": "grid", "x": across.ravel(), "y": up.ravel(),
        "deviance": np.maximum(values - optimum.deviance, 0.0).ravel(),
    })  # fmt: skip
    best = pd.DataFrame(
        {"what": ["optimum"], "x": optimum.theta[held[0]], "y": optimum.theta[held[1]], "deviance": 0.0}
    )
    return pd.concat([best, rows], ignore_index=True).assign(
        scenario=problem.dataset, first=pair[0], second=pair[1]
    )[columns]  # fmt: skip


def _grid(profile: _Profile, optimum: _Optimum, x: Array, y: Array) -> Array:
    """Return the profile ``(len(y), len(x))``, each search from the end of its neighbour's nearer to the optimum."""
    values, points = np.empty((len(y), len(x))), np.empty((len(y), len(x), len(optimum.point)))
    start = optimum.point
    for row, above in _outwards(y, optimum.point[profile.held[1]]):
        for column, beside in _outwards(x, optimum.point[profile.held[0]]):
            near = points[row, beside] if column != beside else points[above, column] if row != above else start
            values[row, column], points[row, column] = profile.at(near, [x[column], y[row]])
    return values
