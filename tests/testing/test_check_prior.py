"""`check_prior` passes what is right, ours first, and says of each planted fault what it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from bayescompare import Prior
from bayescompare.errors import PriorError
from bayescompare.priors import LKJ, BoundaryAvoiding, Flat, HalfNormal, Uniform, parse_prior
from bayescompare.testing import check_prior
from bayescompare.testing.checks import _goodness_of_fit
from bayescompare.testing.line import Line
from tests.priors.table import SCALARS, distribution


@dataclass(frozen=True)
class Weibull(Prior):
    """Weibull distribution."""

    alpha: float
    beta: float = 1.0
    support = "positive"
    positive = ("alpha", "beta")

    def logp(self, x, xp):
        z = xp.log(x / self.beta)
        return xp.log(self.alpha / self.beta) + (self.alpha - 1) * z - xp.exp(self.alpha * z)

    def draw(self, rng, shape):
        return self.beta * rng.weibull(self.alpha, shape)


@dataclass(frozen=True)
class NearZeroOrNot(Prior):
    """Mixture of a narrow and a wide half-normal distribution: is there any spread at all?"""

    small: float
    large: float
    weight: float = 0.5
    support = "positive"
    positive = ("small", "large")
    fractions = ("weight",)

    def logp(self, x, xp):
        half = 0.5 * math.log(2 / math.pi)
        narrow = xp.log(self.weight) - xp.log(self.small) - 0.5 * xp.square(x / self.small)
        wide = xp.log1p(-self.weight) - xp.log(self.large) - 0.5 * xp.square(x / self.large)
        return half + xp.logaddexp(narrow, wide)

    def draw(self, rng, shape):
        scale = np.where(rng.uniform(size=shape) < self.weight, self.small, self.large)
        return np.abs(scale * rng.standard_normal(shape))


@pytest.mark.parametrize(
    "prior",
    [Weibull(2, 50), Weibull(0.7, 3.0), NearZeroOrNot(0.01, 5.0), Flat(), BoundaryAvoiding(), LKJ(2.0)],
    ids=repr,
)
def test_what_is_right_passes(prior):
    assert check_prior(prior) is None


@pytest.mark.slow
@pytest.mark.parametrize("prior", [*SCALARS, LKJ(0.5)], ids=repr)
def test_ours_pass(prior):
    assert check_prior(prior) is None


@pytest.mark.parametrize("prior", SCALARS, ids=repr)
def test_the_integral_is_one_and_the_draws_follow_it(prior):
    line = Line(prior)
    assert line.integral == pytest.approx(1.0, abs=2e-4)
    assert np.max(np.abs(line.below - distribution(prior, line.good))) < 2e-4


def faults(prior: Prior) -> list[str]:
    with pytest.raises(PriorError) as refused:
        check_prior(prior)
    first, *listed = str(refused.value).splitlines()
    assert first == f"{prior!r} has {len(listed)} fault{'s' * (len(listed) > 1)}:"
    return [line.strip() for line in listed]


def edited(**changes) -> Prior:
    """Return a Weibull prior with something else in the place of its own."""
    return dataclass(frozen=True)(type("Weibull", (Weibull,), {"__module__": __name__, **changes}))(2, 50)


def logp(change):
    return {"logp": lambda self, x, xp: change(Weibull.logp(self, x, xp), x, xp)}


def draw(change):
    return {"draw": lambda self, rng, shape: change(self, rng, shape)}


ANY = np.random.default_rng()
NORMAL = draw(lambda self, rng, shape: rng.normal(self.beta, 25, shape))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (logp(lambda p, x, xp: p + math.log(2)), "2 from 0 to infinity, not to 1: logp is 0.6931 too high"),
        (logp(lambda p, x, xp: p - xp.log(x)), "the density integrates to "),
        (logp(lambda p, x, xp: xp.log(x)), "from 0 to infinity diverges; let draw raise a PriorError"),
        (logp(lambda p, x, xp: xp.where(x > 40, p, -np.inf)), "draws, such as"),
        (logp(lambda p, x, xp: xp.sum(p)), "has the shape () for values of the shape (3,)"),
        (logp(lambda p, x, xp: p + 0 * xp.sqrt(40 - x)), "logp is nan at "),
        (logp(lambda p, x, xp: p + math.log(x)), "cannot be computed: TypeError"),
        (logp(lambda p, x, xp: p.no), "cannot be computed: AttributeError"),
        (draw(lambda self, rng, shape: rng.weibull(2, shape)), "draw does not follow logp: "),
        (draw(lambda self, rng, shape: 53 * rng.weibull(2, shape)), "draw does not follow logp: "),
        (draw(lambda self, rng, shape: rng.weibull(2) * np.full(shape, 50)), "draw repeats itself"),
        (draw(lambda self, rng, shape: 50 * rng.weibull(2)), "draw returned the shape () where"),
        (draw(lambda self, rng, shape: 50 * ANY.weibull(2, shape)), "draw gives other numbers for the same"),
        (draw(lambda self, rng, shape: np.where(rng.uniform(size=shape) < 0.1, np.nan, 9)), "draws 2,0"),
        (NORMAL, "are negative, but support is 'positive'."),
        ({"support": "real"}, "logp is nan at "),
        ({"__hash__": lambda self: id(self)}, "two Weibull with the same numbers are not equal"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_said(changes, message):
    found = faults(edited(**changes))
    assert any(message in line for line in found), found


def test_the_number_of_negative_draws_is_said():
    (said,) = [line for line in faults(edited(**NORMAL)) if "negative" in line]
    # 2.3 % of a normal distribution are below its mean less two sds
    count = int(said.split()[4].replace(",", ""))
    assert said == f"draw: of 20,000 draws {count:,} are negative, but support is 'positive'."
    assert abs(count - 455) < 5 * math.sqrt(455)


def test_functions_of_math_on_the_fields_are_refused_everywhere():
    found = faults(edited(logp=lambda self, x, xp: Weibull.logp(self, x, xp) + math.log(self.beta / 50)))
    assert any(line.startswith("with arrays for its numbers: ") for line in found)
    assert any(line.startswith("PyTensor (nuts): ") for line in found)
    assert any(line.startswith("Keras (adam-marginal:map, adam-elbo): ") for line in found)


def test_a_gradient_that_is_nan_where_the_density_is_not():
    def trap(p, x, xp):
        return p + xp.where(x > 0, 0.0 * x, xp.exp(10 * x * x))

    found = faults(edited(**logp(trap)))
    # PyTensor's rewriting mends this one
    (said,) = [line for line in found if "Of where() both branches must be finite" in line]
    assert said.startswith("Keras (adam-marginal:map, adam-elbo): the gradient of logp at 11.6 is nan.")


def test_a_density_of_numpy_alone_is_refused_by_the_others():
    found = faults(edited(logp=lambda self, x, xp: np.interp(x, [0, 1000], [0.0, -9.0])))
    assert any(line.startswith("PyTensor (nuts): ") for line in found), found
    assert any(line.startswith("Keras (adam-marginal:map, adam-elbo): ") for line in found), found


def test_a_local_class_cannot_be_pickled_and_its_printing_is_read():
    @dataclass(frozen=True)
    class Local(Weibull):
        pass

    (said,) = faults(Local(2, 50))
    assert "define the class at the top of a file, not inside a function" in said


def test_all_at_once_and_not_the_first_only():
    found = faults(
        edited(
            support="real",
            logp=lambda self, x, xp: 1 + xp.log(xp.abs(x)),
            draw=lambda self, rng, shape: np.full(shape, np.nan),
        )
    )
    assert len(found) >= 3, found


def test_a_class_in_place_of_an_object():
    with pytest.raises(PriorError, match=r"Give check_prior an object with its numbers, such as Weibull\(1\.0\)"):
        check_prior(Weibull)


def test_the_threshold_is_honest():
    # of 100 generators none may be refused: the chance of one is 1e-4
    assert all(not list(_goodness_of_fit(Line(Weibull(2, 50), seed))) for seed in range(100))


@pytest.mark.parametrize("text", ["pm.Weibull(alpha=2, beta=50)", "pm.TruncatedNormal(mu=1, sigma=2, lower=0)"])
def test_pymcs_pass(text):
    check_prior(parse_prior(text))


def test_bounds_and_tails():
    check_prior(Uniform(0.5, 3.0))
    check_prior(HalfNormal(1e-6))
    check_prior(HalfNormal(1e9))
