"""The TensorFlow form of the likelihood and of the priors equals the Numba kernel."""

from __future__ import annotations

import numpy as np
import pytest

from bayescompare.engines.adam.marginal import AdamMarginal
from bayescompare.engines.adam.scaling import scaling
from bayescompare.likelihood import kernel
from bayescompare.likelihood import tensorflow as stacked
from bayescompare.likelihood.coordinates import to_working
from bayescompare.likelihood.evaluate import deviance, group_loglik
from bayescompare.likelihood.posterior import Posterior
from bayescompare.likelihood.problem import Problem, problem_from_frame
from bayescompare.model import Model
from bayescompare.model_frame import ModelFrame

SHAPES = {
    "no groups": (),
    "intercepts": (("Intercept",),),
    "slopes": (("Intercept", "x"),),
    "uncorrelated": (("Intercept",), ("x",)),
    "slopes without an intercept": (("x",),),
    "four effects": (("Intercept", "x", "v"), ("w",)),
    "six effects": (("Intercept", "x", "v", "w", "u"), ("t",)),
}


def make_problem(seed: int, blocks: tuple[tuple[str, ...], ...], offset: float = 0.0) -> Problem:
    """Return a problem of 12 groups of unequal sizes, some smaller than their number of effects."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(12), rng.integers(1, 12, 12)) if blocks else np.zeros(60, dtype=np.intp)
    n = len(groups)
    columns = {"Intercept": np.ones(n), "x": rng.normal(2.0, 1.5, n), "v": rng.normal(size=n), "w": rng.normal(size=n)}
    columns |= dict(zip("ut", np.random.default_rng(seed + 100).normal(size=(2, n)), strict=True))
    effects = [columns[name] for block in blocks for name in block]
    z = np.column_stack(effects) if blocks else np.empty((n, 0))
    b = rng.normal(size=(12, z.shape[1]))
    x = np.column_stack([columns["Intercept"], columns["x"]])
    y = offset + 2 * columns["x"] + np.sum(z * b[groups], axis=1) + 1.5 * rng.normal(size=n)
    frame = ModelFrame(
        response="y",
        y=y,
        X=x,
        coefs=("Intercept", "x"),
        Z=z,
        blocks=blocks,
        factor="g" if blocks else None,
        levels=tuple(f"g{j}" for j in range(12)) if blocks else (),
        groups=groups.astype(np.intp),
    )
    return problem_from_frame(frame, Model("y ~ 1 + x"))


def evaluate(problems: list[Problem], x: np.ndarray, scale: str, *, map: bool = False, batch: object = None):
    """Return losses and gradients of a stack."""
    tf, _ = stacked.backend()
    engine = AdamMarginal(map=map, scale=scale)
    members = [engine.member(problem) for problem in problems]
    objective = engine.objective(members[0])
    data = engine.data(problems, [member.unit for member in members])
    point = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(point)
        loss = objective.loss(point, tuple(tf.constant(d) for d in data), batch)
    return loss.numpy(), tape.gradient(loss, point).numpy()


@pytest.mark.parametrize("scale", ["raw", "standardised"])
@pytest.mark.parametrize("shape", list(SHAPES))
def test_value_and_gradient_equal_the_kernel(shape, scale):
    problems = [make_problem(seed, SHAPES[shape]) for seed in range(3)]
    layout = problems[0].layout
    x = np.random.default_rng(1).normal(size=(3, layout.size)) * 0.7
    loss, gradient = evaluate(problems, x, scale)
    for r, problem in enumerate(problems):
        d, unit = problem.products, scaling(problem, scale)
        theta = unit.natural(x[r][None], layout)[0]
        w = to_working(theta, layout, d)
        value, slope = kernel.working(w, layout.p, d.starts, d.t_inverse, d.r, d.c, d.within, float(d.n))
        np.testing.assert_allclose(loss[r], value, rtol=1e-11)
        np.testing.assert_allclose(gradient[r, layout.beta], slope[layout.beta] @ d.rx @ unit.fixed, rtol=1e-9)
        np.testing.assert_allclose(gradient[r, -1], slope[-1], rtol=1e-9, atol=1e-7)
        if scale == "raw":
            np.testing.assert_allclose(gradient[r], np.append(slope[: layout.p] @ d.rx, slope[layout.p :]), rtol=1e-9)


@pytest.mark.parametrize("shape", ["four effects", "six effects"])
def test_a_replicate_whose_numbers_are_lost_does_not_touch_the_others(shape):
    problems = [make_problem(seed, SHAPES[shape]) for seed in range(3)]
    layout = problems[0].layout
    x = np.random.default_rng(1).normal(size=(3, layout.size)) * 0.7
    whole, slopes = evaluate(problems, x, "raw")
    for lost in (np.nan, np.inf, 1e200):
        spoilt = x.copy()
        spoilt[1, layout.sd] = lost
        loss, gradient = evaluate(problems, spoilt, "raw")
        assert not np.isfinite(loss[1])
        np.testing.assert_array_equal(loss[[0, 2]], whole[[0, 2]])
        np.testing.assert_array_equal(gradient[[0, 2]], slopes[[0, 2]])


def test_both_ways_of_eliminating_are_the_same(monkeypatch):
    problems = [make_problem(seed, SHAPES["four effects"]) for seed in range(3)]
    x = np.random.default_rng(1).normal(size=(3, problems[0].layout.size)) * 0.7
    unrolled = evaluate(problems, x, "raw")
    monkeypatch.setattr(stacked, "_UNROLLED", 0)
    for one, other in zip(evaluate(problems, x, "raw"), unrolled, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-9)


def test_value_keeps_its_digits_with_a_large_offset():
    plain, shifted = (make_problem(3, SHAPES["slopes"], offset=offset) for offset in (0.0, 1e6))
    x = np.array([[0.1, 0.2, -0.3, 0.2, 0.5, 0.1]])
    loss, _ = evaluate([plain], x, "standardised")
    moved, _ = evaluate([shifted], x, "standardised")
    np.testing.assert_allclose(moved, loss, rtol=1e-9)


@pytest.mark.parametrize("shape", ["intercepts", "slopes"])
def test_minibatches_are_unbiased_and_are_the_groups_they_name(shape):
    tf, _ = stacked.backend()
    problems = [make_problem(seed, SHAPES[shape]) for seed in range(2)]
    layout = problems[0].layout
    x = np.random.default_rng(2).normal(size=(2, layout.size)) * 0.5
    batches = np.array([[[0, 3, 5], [11, 2, 1]], [[1, 2, -1], [7, -1, -1]]], dtype=np.int32)
    for batch in batches:
        loss, _ = evaluate(problems, x, "raw", batch=tf.constant(batch))
        for r, problem in enumerate(problems):
            theta = scaling(problem, "raw").natural(x[r][None], layout)
            each = -2 * group_loglik(problem, theta)[0]
            np.testing.assert_allclose(loss[r], 12 * each[batch[r][batch[r] >= 0]].mean(), rtol=1e-10)
    full, slope = evaluate(problems, x, "raw")
    parts = [evaluate(problems, x, "raw", batch=tf.constant(np.full((2, 1), j, np.int32))) for j in range(12)]
    np.testing.assert_allclose(np.mean([part[0] for part in parts], axis=0), full, rtol=1e-10)
    np.testing.assert_allclose(np.mean([part[1] for part in parts], axis=0), slope, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("scale", ["raw", "standardised"])
@pytest.mark.parametrize("shape", ["no groups", "slopes", "four effects"])
def test_the_posterior_density_equals_numpys(shape, scale):
    problems = [make_problem(seed, SHAPES[shape]) for seed in range(2)]
    layout = problems[0].layout
    x = np.random.default_rng(4).normal(size=(2, layout.size)) * 0.5
    loss, gradient = evaluate(problems, x, scale, map=True)
    for r, problem in enumerate(problems):
        theta = scaling(problem, scale).natural(x[r][None], layout)[0]
        value, slope = Posterior(problem, jacobian=False)(to_working(theta, layout, problem.products))
        np.testing.assert_allclose(loss[r], value, rtol=1e-9)
        np.testing.assert_allclose(gradient[r, -1], slope[-1], rtol=1e-5, atol=1e-4)


def test_namespace_has_what_priors_may_use():
    from bayescompare.priors import numpy_namespace

    assert set(vars(numpy_namespace())) <= set(vars(stacked.namespace()))


def test_natural_parameters_agree_with_the_deviance():
    problem = make_problem(5, SHAPES["four effects"])
    x = np.random.default_rng(6).normal(size=(1, problem.layout.size)) * 0.4
    loss, _ = evaluate([problem], x, "standardised")
    theta = scaling(problem, "standardised").natural(x, problem.layout)[0]
    assert loss[0] == pytest.approx(deviance(problem, theta), rel=1e-10)
