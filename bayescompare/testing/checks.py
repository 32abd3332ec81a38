"""What may be wrong with a prior as it is computed in NumPy: density, draws, printing. A sentence each."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.stats import kstwo

from bayescompare.errors import PriorError
from bayescompare.priors import Prior, numpy_namespace, parse_prior
from bayescompare.priors.answers import check_answers, density, drawn
from bayescompare.priors.names import naming
from bayescompare.testing.line import DRAWS, Line

__all__ = ["density_faults", "draw_faults", "elementwise_faults", "object_faults"]

Array = npt.NDArray[np.float64]

# Error of the integral that is none of the author's.
_INTEGRAL = 1e-3
# Probability with which draws of a right prior are refused.
_CHANCE = 1e-6


def object_faults(line: Line) -> Iterator[str]:
    """Yield what is wrong with the prior as an object: equality, printing, pickling."""
    prior = line.prior
    kind, name = type(prior), type(prior).__name__
    if kind(**prior.constants()) != prior or hash(kind(**prior.constants())) != hash(prior):
        yield f"two {name} with the same numbers are not equal: leave eq and hash to @dataclass(frozen=True)."
    try:
        with naming({name: kind}):
            again = parse_prior(repr(prior))
        same = type(again) is kind and _close(again, prior)
    except PriorError as error:
        yield f"it prints {prior!r}, which cannot be read: {error}"
    else:
        if not same:
            yield f"it prints {prior!r}, which is read as {again!r} with other numbers."
    try:
        if pickle.loads(pickle.dumps(prior)) != prior:
            yield "a pickled copy of it is not equal to it."
    except Exception as error:
        yield f"it cannot be pickled ({error}): define the class at the top of a file, not inside a function."


def _close(one: Prior, other: Prior) -> bool:
    # six digits are printed
    first, second = (np.array([*prior.constants().values()], dtype=float) for prior in (one, other))
    return bool(np.allclose(first, second, rtol=1e-5, atol=0))


def elementwise_faults(line: Line) -> Iterator[str]:
    """Yield where arrays of values, or of numbers in place of the fields, are not treated one by one."""
    check_answers(line.prior)
    xp = numpy_namespace()
    points = _points(line, 6)
    single = np.array([float(line.logp(x, xp)) for x in points])
    for shape in ((6,), (2, 3)):
        found = np.asarray(line.logp(points.reshape(shape), xp), dtype=float)
        if found.shape != shape:
            yield f"logp returns the shape {found.shape} for values of the shape {shape}."
        elif not np.allclose(found.ravel(), single, rtol=1e-9, equal_nan=True):
            yield f"logp of an array of the shape {shape} is not that of its values one by one."
    constants = [np.full(6, float(value)) for value in line.prior.constants().values()]
    try:
        found = np.asarray(line.logp(points, xp, constants), dtype=float)
    except PriorError as error:
        yield f"with arrays for its numbers: {error} Use the functions of xp on the fields too, not those of math."
        return
    if found.shape != (6,) or not np.allclose(found, single, rtol=1e-9, equal_nan=True):
        yield "logp with an array for each of its numbers is not that with the numbers."


def _points(line: Line, count: int) -> Array:
    """Return different values inside the support."""
    inside = line.good
    probabilities = (np.arange(count) + 0.5) / count
    return np.quantile(inside, probabilities) if len(inside) else line.from_scale(2 * probabilities - 1)[0]


def density_faults(line: Line) -> Iterator[str]:
    """Yield what is wrong with the density: NaN, a hole, an integral that is not one."""
    xp = numpy_namespace()
    wide = line.from_scale(np.linspace(-12.0, 12.0, 97))[0]
    there = np.asarray(line.logp(wide, xp), dtype=float)
    own = np.asarray(line.logp(line.good, xp), dtype=float)
    bad = wide[np.isnan(there) | (there == np.inf)]
    if len(bad):
        value = there[np.isnan(there) | (there == np.inf)][0]
        yield f"logp is {value:g} at {bad[0]:.4g}; inside the support it must be finite, outside -inf."
    holes = line.good[~np.isfinite(own)]
    if len(holes):
        yield f"logp is not finite at {len(holes):,} of {len(own):,} draws, such as {holes[0]:.4g}."
    if line.draws is None:
        return
    if not abs(line.integral - 1) < _INTEGRAL:
        yield _about_integral(line)


def _about_integral(line: Line) -> str:
    where = {"positive": "from 0 to infinity", "real": "over all numbers", "correlation": "from -1 to 1"}[line.kind]
    if line.diverges:
        return f"the integral of the density {where} diverges; let draw raise a PriorError that says improper if it is."
    said = f"the density integrates to {line.integral:.4g} {where}, not to 1"
    if not line.integral > 0:
        return f"{said}."
    return f"{said}: logp is {abs(math.log(line.integral)):.4g} too {'high' if line.integral > 1 else 'low'}."


def draw_faults(line: Line) -> Iterator[str]:
    """Yield what is wrong with the draws: shape, support, chance, and whether they follow the density."""
    if line.draws is None:
        yield from _why_no_draws(line)
        return
    for shape in ((), (3,), (2, 3)):
        line.draw(np.random.default_rng(0), shape)
    first, second = (line.draw(np.random.default_rng(1), (50,)) for _ in range(2))
    if not np.array_equal(first, second, equal_nan=True):
        yield "draw gives other numbers for the same generator: take them from rng alone."
    lost = int(np.sum(~np.isfinite(line.draws)))
    if lost:
        yield f"draw: of {DRAWS:,} draws {lost:,} are not finite."
    yield from _outside(line)
    if len(np.unique(first)) < len(first):
        yield "draw repeats itself: of 50 draws some are equal; give shape to the generator."
    elif len(line.good) > DRAWS / 2 and line.integral > 0 and not line.diverges:
        yield from _goodness_of_fit(line)


def _why_no_draws(line: Line) -> Iterator[str]:
    try:
        line.draw(np.random.default_rng(line.seed), (DRAWS,))
    except PriorError as error:
        # an error of the author's own words is how a prior says that it is improper
        if error.__cause__ is not None or "improper" not in str(error):
            yield str(error)


def _outside(line: Line) -> Iterator[str]:
    assert line.draws is not None
    finite = line.draws[np.isfinite(line.draws)]
    if line.kind == "positive" and (count := int(np.sum(finite < 0))):
        yield f"draw: of {DRAWS:,} draws {count:,} are negative, but support is {line.prior.support!r}."
    if line.kind == "correlation":
        yield from _no_factors(line)


def _no_factors(line: Line) -> Iterator[str]:
    factor = drawn(line.prior, np.random.default_rng(2), (100, 3, 3))
    whole = np.allclose(np.sum(factor**2, axis=-1), 1.0) and np.allclose(np.triu(factor, 1), 0.0)
    if not (whole and np.all(np.diagonal(factor, axis1=1, axis2=2) > 0)):
        yield "draw must return Cholesky factors of correlation matrices: lower triangles with rows of length 1."
    elif not np.all(np.isfinite(density(line.prior, factor, numpy_namespace()))):
        yield "logp is not finite for Cholesky factors of three correlated effects."


def _goodness_of_fit(line: Line) -> Iterator[str]:
    """Hold the draws against the density by Kolmogorov's and Smirnov's statistic."""
    n = len(line.good)
    share, below = (np.arange(n) + 0.5) / n, np.clip(line.below, 0.0, 1.0)
    worst = int(np.argmax(np.abs(share - below)))
    allowed = float(kstwo.isf(_CHANCE, n))
    if abs(share[worst] - below[worst]) > allowed:
        yield (
            f"draw does not follow logp: {share[worst]:.1%} of the draws are below {line.good[worst]:.4g}, by logp "
            f"{below[worst]:.1%} (chance makes {allowed:.1%} of it, once in a million)."
        )
