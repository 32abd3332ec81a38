"""Adam on the marginal likelihood: its updates, its optimum, its verdicts."""

from __future__ import annotations

import csv
from importlib.resources import files

import numpy as np
import pytest

from bayescompare.engines.adam.marginal import AdamMarginal, _start
from bayescompare.engines.catalog import estimator
from bayescompare.engines.lbfgs.likelihood import LbfgsML
from bayescompare.errors import EstimatorError
from bayescompare.fits import Flag, Status
from bayescompare.likelihood import kernel
from bayescompare.likelihood.coordinates import to_working
from bayescompare.likelihood.problem import Problem, problem_from_frame
from bayescompare.model import Model
from bayescompare.model_frame import ModelFrame
from bayescompare.seeds import generator

PRACTICE = "adam-marginal:lr=0.01,batch=3,epochs=100,scale=raw"


def as_problem(
    y: np.ndarray, x: np.ndarray, groups: np.ndarray, q: int = 2, names: tuple[str, str] = ("x", "g")
) -> Problem:
    """Return the problem of intercept and slope, with q random effects."""
    columns = np.column_stack([np.ones(len(y)), x])
    coefs = ("Intercept", names[0])
    frame = ModelFrame(
        response="y",
        y=y,
        X=columns,
        coefs=coefs,
        Z=columns[:, :q],
        blocks=(coefs[:q],) if q else (),
        factor=names[1] if q else None,
        levels=tuple(map(str, range(groups.max() + 1))) if q else (),
        groups=groups if q else np.zeros(len(y), dtype=np.intp),
    )
    return problem_from_frame(frame, Model("y ~ 1 + x"))


def slopes(seed: int, *, groups: int = 30, rows: int = 8, sd: tuple[float, float] = (1.0, 0.7), q: int = 2) -> Problem:
    """Return simulated random intercepts and slopes of correlation 0.6; row counts differ among seeds."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), rows)[: groups * rows - seed % 3]
    x = rng.normal(size=len(g))
    b = rng.multivariate_normal([0, 0], np.outer(sd, sd) * [[1, 0.6], [0.6, 1]], size=groups)
    y = 2 * x + b[g, 0] + b[g, 1] * x + rng.normal(size=len(g))
    return as_problem(y, x, g, q)


def sleepstudy() -> Problem:
    """Return the sleep study of Belenky et al. (2003)."""
    with files("bayescompare.datasets").joinpath("sleepstudy.csv").open() as handle:
        rows = [{key.lower(): value for key, value in row.items()} for row in csv.DictReader(handle)]
    subject = np.unique([row["subject"] for row in rows], return_inverse=True)[1]
    y, x = (np.array([float(row[name]) for row in rows]) for name in ("reaction", "days"))
    return as_problem(y, x, subject.astype(np.intp), names=("days", "subject"))


def seeds(count: int) -> list[np.random.SeedSequence]:
    """Return seeds of replicates."""
    return [np.random.SeedSequence(11, spawn_key=(r,)) for r in range(count)]


def numpy_adam(problem: Problem, x: np.ndarray, updates: int, lr: float) -> np.ndarray:
    """Return the points ``(updates + 1, k)`` of Adam (Kingma and Ba 2015) on the Numba kernel, in raw units.

    Keras keeps the rate, and the betas of its bias correction, in float32 whatever the variables.
    """
    layout, d = problem.layout, problem.products
    lr, beta_1, beta_2 = (float(np.float32(value)) for value in (lr, 0.9, 0.999))
    m, v, points = np.zeros_like(x), np.zeros_like(x), [x]
    for t in range(1, updates + 1):
        w = np.concatenate([d.delta(x[layout.beta]), x[layout.p :]])
        g = kernel.working(w, layout.p, d.starts, d.t_inverse, d.r, d.c, d.within, float(d.n))[1]
        g[layout.beta] = g[layout.beta] @ d.rx
        m, v = m + 0.1 * (g - m), v + 0.001 * (g**2 - v)
        alpha = lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        x = x - alpha * m / (np.sqrt(v) + 1e-7)
        points.append(x)
    return np.array(points)


def test_every_update_is_adams_on_the_kernel():
    problems, updates = [slopes(1), slopes(2)], 60
    fits = AdamMarginal(lr=0.02, epochs=updates, scale="raw").fit(problems, seeds(2))
    for fit, problem, seed in zip(fits, problems, seeds(2), strict=True):
        layout = problem.layout
        expected = numpy_adam(problem, _start(layout, generator(seed, 0)), updates, 0.02)
        got = np.array([to_working(theta, layout, problem.products) for theta in fit.path.values])
        got[:, layout.beta] = fit.path.values[:, layout.beta]
        assert list(fit.path.steps) == list(range(updates + 1))
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-9)
        assert fit.evaluations == updates


def test_sleepstudy_converges_to_maximum_likelihood():
    fit = AdamMarginal().fit([sleepstudy()], seeds(1))[0]
    assert fit.status is Status.OK
    assert fit.objective == pytest.approx(1751.939, abs=1e-3)
    assert fit.gap_sd < 0.01
    assert fit.gap_deviance < 1e-5
    ml = LbfgsML().fit([sleepstudy()], seeds(1))[0]
    np.testing.assert_allclose(fit.se, ml.se, rtol=0.02)
    np.testing.assert_allclose(fit.random_effects.mode, ml.random_effects.mode, atol=0.1)
    assert fit.estimand == ("ML mode",) * 6


@pytest.mark.parametrize("scale", ["standardised", "raw"])
def test_simulated_slopes_converge(scale):
    problems = [slopes(seed) for seed in range(40)]
    fits = AdamMarginal(scale=scale).fit(problems, seeds(40))
    inside = [fit for fit in fits if Flag.BOUNDARY not in fit.flags]
    assert len(inside) >= 35
    assert max(fit.gap_sd for fit in inside) < 0.01
    assert max(fit.gap_deviance for fit in inside) < 1e-4
    assert {fit.status for fit in inside} == {Status.OK}
    assert all(fit.grad_norm < 0.05 for fit in inside)


def test_a_replicate_does_not_depend_on_its_neighbours():
    problems = [slopes(seed, sd=sd) for seed, sd in enumerate([(1.0, 0.7), (0.4, 0.3), (3.0, 0.5), (0.5, 2.0)])]
    for engine in (AdamMarginal(), estimator("adam-marginal:lr=0.01,batch=7,epochs=20")):
        together = engine.fit(problems, seeds(4))
        for r in (1, 3):
            alone = engine.fit([problems[r]], [seeds(4)[r]])[0]
            np.testing.assert_allclose(together[r].estimate, alone.estimate, rtol=1e-9)
            assert (alone.evaluations, alone.flags) == (together[r].evaluations, together[r].flags)
            np.testing.assert_array_equal(alone.path.steps, together[r].path.steps)
    assert len({fit.evaluations for fit in AdamMarginal().fit(problems, seeds(4))}) > 1


def test_the_practice_setting_is_premature_and_says_so():
    fits = estimator(PRACTICE).fit([slopes(seed, groups=50, rows=10) for seed in range(8)], seeds(8))
    assert sum(Flag.PREMATURE in fit.flags for fit in fits) >= 6
    for fit in fits:
        assert fit.evaluations == 1700
        assert (Flag.PREMATURE in fit.flags) == (fit.gap_sd > 0.1)
        assert np.isnan(fit.se).all() == (fit.gap_sd > 0.1)
        assert (fit.reason[0] == "not at an optimum") == (fit.gap_sd > 0.1)
        assert 100 <= len(fit.path.steps) <= 201
        assert Flag.STEP_LIMIT not in fit.flags


def test_a_noisy_rate_oscillates():
    fit = estimator("adam-marginal:lr=0.3,batch=2,epochs=30").fit([slopes(1)], seeds(1))[0]
    assert Flag.OSCILLATING in fit.flags


def test_the_step_limit_is_flagged():
    fit = AdamMarginal(limit=40).fit([slopes(1)], seeds(1))[0]
    assert {Flag.STEP_LIMIT, Flag.PREMATURE} <= set(fit.flags)


def test_a_boundary_is_approached_and_not_reached():
    problems = [slopes(seed, groups=6, rows=5, sd=(0.05, 0.05)) for seed in range(6)]
    fits = AdamMarginal(limit=1000).fit(problems, seeds(6))
    at_bound = [fit for fit in fits if Flag.BOUNDARY in fit.flags]
    assert at_bound
    for fit in at_bound:
        assert (fit.estimate[fit.layout.sd] > 0).all()
        assert fit.gap_deviance > 0
        assert (Flag.PREMATURE in fit.flags) == (fit.gap_sd > 0.1 or fit.gap_deviance > 0.01)


@pytest.mark.parametrize("q", [0, 1])
def test_linear_and_random_intercept_models(q):
    fit = AdamMarginal().fit([slopes(3, q=q)], seeds(1))[0]
    assert fit.status is Status.OK
    assert fit.gap_sd < 0.01
    assert (fit.random_effects is None) == (q == 0)


def test_map_reaches_the_joint_mode():
    engine = estimator("adam-marginal:map")
    assert engine.uses_priors
    assert not AdamMarginal().uses_priors
    fits = engine.fit([slopes(1), slopes(5)], seeds(2))
    for fit in fits:
        assert fit.gap_sd < 0.01
        assert fit.gap_deviance < 1e-4
        assert fit.estimand[0] == "posterior mode"
        assert np.isfinite(fit.se).all()


def test_float32_agrees_loosely():
    problems = [slopes(1), slopes(5)]
    narrow, wide = (AdamMarginal(dtype=dtype).fit(problems, seeds(2)) for dtype in ("float32", "float64"))
    for one, other in zip(narrow, wide, strict=True):
        np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-2, atol=1e-3)


def test_mixed_shapes_are_fitted_in_the_order_given():
    problems = [slopes(1), slopes(2, q=1), slopes(3, groups=20)]
    calls: list[tuple[int, int]] = []
    fits = AdamMarginal().fit(problems, seeds(3), lambda done, total: calls.append((done, total)))
    assert [fit.layout for fit in fits] == [problem.layout for problem in problems]
    assert calls[-1] == (3, 3)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_minibatches_need_a_length():
    with pytest.raises(EstimatorError, match="adam-marginal:batch=3,epochs=100"):
        AdamMarginal(batch=3)
