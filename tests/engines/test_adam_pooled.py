"""The batched Keras runner: equal to Keras's own ``fit``, update by update, and judged by least squares."""

from __future__ import annotations

import numpy as np
import pytest

from bayescompare.engines.adam.batches import Minibatches, in_order, shuffled
from bayescompare.engines.adam.loop import loop
from bayescompare.engines.adam.optimizers import rates
from bayescompare.engines.adam.pooled import AdamPooled, MeanSquaredError
from bayescompare.engines.adam.rows import glorot
from bayescompare.engines.adam.run import Plan, optimize
from bayescompare.engines.adam.scaling import scaling
from bayescompare.errors import EstimatorError
from bayescompare.fits import Flag, Status
from bayescompare.likelihood.problem import Problem, problem_from_frame
from bayescompare.likelihood.tensorflow import backend
from bayescompare.model import Model
from bayescompare.model_frame import ModelFrame


def make_problem(seed: int, rows: int = 75, intercept: bool = True, noise: float = 1.0) -> Problem:
    """Return a problem with two predictors and groups of five rows."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2)) * [1.0, 2.0]
    groups = np.arange(rows) // 5
    y = 0.5 + x @ [1.0, -0.3] + rng.normal(size=groups.max() + 1)[groups] + noise * rng.normal(size=rows)
    columns = np.column_stack([np.ones(rows), x]) if intercept else x
    frame = ModelFrame(
        response="y",
        y=y,
        X=columns,
        coefs=(("Intercept",) if intercept else ()) + ("u", "v"),
        Z=np.ones((rows, 1)),
        blocks=(("Intercept",),),
        factor="g",
        levels=tuple(map(str, range(groups.max() + 1))),
        groups=groups,
    )
    return problem_from_frame(frame, Model("y ~ u + v + (1 | g)"))


def seeds(count: int) -> list[np.random.SeedSequence]:
    """Return seeds of replicates."""
    return [np.random.SeedSequence(7, spawn_key=(r,)) for r in range(count)]


@pytest.fixture
def floatx(request):
    """Keras's default float for a test; its loss is computed in it."""
    _, keras = backend()
    before = keras.config.floatx()
    keras.config.set_floatx(request.param)
    yield request.param
    keras.config.set_floatx(before)


def by_keras(x: np.ndarray, y: np.ndarray, weights: np.ndarray, bias: bool, epochs: int, dtype: str) -> np.ndarray:
    """Return the weights after every update of Keras's own ``fit``, bias first."""
    _, keras = backend()
    model = keras.Sequential([keras.Input((x.shape[1],)), keras.layers.Dense(1, use_bias=bias)])
    split = weights[1:] if bias else weights
    model.set_weights([split[:, None].astype(dtype), weights[:1].astype(dtype)][: 1 + bias])
    record = []

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            values = self.model.get_weights()
            record.append(np.concatenate([*reversed(values[1:]), values[0][:, 0]]))

    model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss="mse")
    model.fit(
        x.astype(dtype), y.astype(dtype), batch_size=32, epochs=epochs, shuffle=False, verbose=0, callbacks=[Record()]
    )
    return np.array(record)


@pytest.mark.parametrize(("floatx", "tolerance"), [("float64", 1e-9), ("float32", 1e-4)], indirect=["floatx"])
@pytest.mark.parametrize("bias", [True, False])
def test_every_update_equals_keras_fit(floatx, tolerance, bias):
    """Neighbours have fewer and more rows; the data set in the middle has a last batch of 11."""
    problems = [make_problem(1, 40, bias), make_problem(2, 75, bias), make_problem(3, 110, bias)]
    start = np.array([glorot(p.x, np.random.default_rng(r)) for r, p in enumerate(problems)])
    epochs = 5
    orders = [shuffled(40, 32, np.random.default_rng(1)), in_order(75, 32), shuffled(110, 32, np.random.default_rng(2))]
    batches = Minibatches(orders)
    updates = epochs * batches.each
    assert list(updates) == [10, 15, 20]
    data = AdamPooled().data(problems, [scaling(p, "raw") for p in problems])
    adam = loop(MeanSquaredError(), 3, start.shape[1], floatx)
    runs, _ = optimize(adam, start, data, Plan(rates=rates(0.01, None), updates=updates, batches=batches))
    columns = problems[1].x[:, 1:] if bias else problems[1].x
    expected = by_keras(columns, problems[1].y, start[1], bias, epochs, floatx)
    assert list(runs[1].steps) == list(range(16))
    np.testing.assert_allclose(runs[1].path[1:], expected, rtol=tolerance, atol=tolerance * 1e-2)
    np.testing.assert_array_equal(runs[1].x, runs[1].path[-1])


def test_a_replicate_does_not_depend_on_its_neighbours():
    problems = [make_problem(r, rows) for r, rows in enumerate((40, 75, 110, 75))]
    engine = AdamPooled(dtype="float64", epochs=40)
    together = engine.fit(problems, seeds(4))
    for r, problem in enumerate(problems):
        alone = engine.fit([problem], seeds(4)[r : r + 1])[0]
        np.testing.assert_allclose(together[r].estimate, alone.estimate, rtol=1e-9)
        np.testing.assert_array_equal(together[r].path.steps, alone.path.steps)
        assert (together[r].flags, together[r].evaluations) == (alone.flags, alone.evaluations)


def test_what_it_estimates_and_what_it_does_not():
    problem = make_problem(4, 300, noise=0.5)
    fit = AdamPooled(epochs=300, dtype="float64").fit([problem], seeds(1))[0]
    layout = problem.layout
    ols, rss, *_ = np.linalg.lstsq(problem.x, problem.y)
    np.testing.assert_allclose(fit.own_optimum[layout.beta], ols, rtol=1e-10)
    assert fit.own_optimum[layout.sigma] == pytest.approx(np.sqrt(rss[0] / 297))
    assert np.isnan(fit.estimate[layout.sd]).all()
    assert fit.reason[layout.p] == "groups are ignored: not estimated"
    assert fit.estimand[layout.sigma] == "sqrt(tau^2 + sigma^2)"
    residual = problem.y - problem.x @ fit.estimate[layout.beta]
    assert fit.objective == pytest.approx(np.mean(residual**2))
    assert fit.gap_deviance == pytest.approx(300 * np.log(np.sum(residual**2) / rss[0]), abs=1e-9)
    nominal = np.sqrt(rss[0] / 297 * np.diag(np.linalg.inv(problem.x.T @ problem.x)))
    away = np.max(np.abs(fit.estimate[layout.beta] - ols) / nominal)
    assert fit.gap_sd == pytest.approx(away)
    at_optimum = away <= 0.1
    assert np.isfinite(fit.se[layout.beta]).all() == at_optimum
    assert len(fit.path.steps) <= 201


def test_a_short_run_is_premature_and_has_no_standard_error():
    problem = make_problem(5)
    fit = AdamPooled(epochs=2).fit([problem], seeds(1))[0]
    assert Flag.PREMATURE in fit.flags
    assert fit.status is Status.FLAGGED
    assert np.isnan(fit.se).all()
    assert fit.reason[0] == "not at an optimum"


def test_standardised_columns_reach_least_squares():
    problem = make_problem(6, 200)
    engine = AdamPooled(scale="standardised", batch=200, epochs=1500, dtype="float64")
    calls: list[tuple[int, int]] = []
    fit = engine.fit([problem], seeds(1), lambda done, total: calls.append((done, total)))[0]
    np.testing.assert_allclose(fit.estimate, fit.own_optimum, rtol=1e-6)
    assert fit.status is Status.OK
    assert fit.grad_norm < 1e-3
    assert calls[-1] == (1, 1)


def test_the_glorot_start_has_keras_law():
    _, keras = backend()
    drawn = np.array([glorot(make_problem(0).x, np.random.default_rng(r)) for r in range(2000)])
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    limit = np.sqrt(6 / 3)
    assert np.abs(model.get_weights()[0]).max() <= limit
    assert model.layers[0].kernel_initializer.__class__.__name__ == "GlorotUniform"
    assert (drawn[:, 0] == 0).all()
    error = limit / np.sqrt(3) / np.sqrt(4000)
    assert abs(drawn[:, 1:].mean()) < 4 * error
    assert 0.99 * limit < np.abs(drawn[:, 1:]).max() <= limit


@pytest.mark.parametrize("bad", [{"lr": 0.0}, {"lr": float("nan")}, {"epochs": 0}, {"batch": 0}])
def test_impossible_settings_are_refused(bad):
    with pytest.raises(EstimatorError, match=f"adam-pooled: {next(iter(bad))} must be"):
        AdamPooled(**bad)


def test_compiled_by_xla_it_is_the_same(monkeypatch):
    problems, engine = [make_problem(r) for r in range(2)], AdamPooled(dtype="float64", epochs=20)
    plain = engine.fit(problems, seeds(2))
    monkeypatch.setattr("bayescompare.engines.adam.run._XLA_PAYS", -1_000_000)
    for one, other in zip(plain, engine.fit(problems, seeds(2)), strict=True):
        np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-9)
