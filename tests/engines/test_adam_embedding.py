"""Keras's Embedding in a stack: equal to Keras's own ``fit``, and judged by regression on dummies."""

from __future__ import annotations

import numpy as np
import pytest

from bayescompare.engines.adam.dummies import Dummies
from bayescompare.engines.adam.embedding import AdamEmbedding
from bayescompare.engines.adam.levels import LevelRows
from bayescompare.engines.catalog import estimator
from bayescompare.fits import Fit, Flag, Status
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.tensorflow import backend
from tests.engines.level_cases import assert_gradient, indicators, problem_of, seeds, simulated

EXACT = (
    "adam-embedding:scale=standardised,batch=1000,epochs=2500,lr=0.3,dtype=float64,"
    "schedule=CosineDecay(decay_steps=2500)"
)


def dummies_of(problem: Problem) -> Dummies:
    """Return the dummy regression of a whole problem."""
    return Dummies(problem=LevelRows.of(problem, problem, len(problem.y)))


def deviation_coding(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return fixed effects, weights, their standard errors and sigma with the last level minus the sum of the others.

    Textbook least squares, for effects whose columns the fixed effects have.
    """
    n, p, q, count = len(problem.y), problem.layout.p, problem.layout.q, len(problem.layout.levels)
    contrasts = np.vstack([np.eye(count - 1), -np.ones(count - 1)])
    coding = np.kron(contrasts, np.eye(q))
    design = np.hstack([problem.x, indicators(problem) @ coding])
    coef, *_ = np.linalg.lstsq(design, problem.y)
    sigma = np.sqrt(np.sum((problem.y - design @ coef) ** 2) / (n - design.shape[1]))
    full = np.zeros((p + count * q, design.shape[1]))
    full[:p, :p], full[p:, p:] = np.eye(p), coding
    inverse = np.linalg.inv(np.linalg.qr(design, mode="r"))
    return (full @ coef)[:p], (full @ coef)[p:], sigma * np.sqrt(np.sum((full @ inverse) ** 2, axis=1)), sigma


@pytest.mark.parametrize("q", [0, 1, 2])
@pytest.mark.parametrize("batched", [False, True])
def test_the_gradient_is_that_of_differences(q, batched):
    batch = np.array([[3, 0, 7, 7, -1], [60, 61, 2, 1, 5]]) if batched else None
    assert_gradient(AdamEmbedding(), [simulated(1, q=q), simulated(2, q=q, rows=90)], batch)


@pytest.mark.parametrize("q", [1, 2])
def test_the_optimum_is_dummy_regression(q):
    problem = simulated(3, q=q)
    layout, fit = problem.layout, estimator(EXACT).fit([simulated(3, q=q)], seeds(1))[0]
    beta, weights, se, sigma = deviation_coding(problem)
    sd = np.std(weights.reshape(-1, q), axis=0, ddof=1)
    expected = [*beta, *sd, *([np.corrcoef(weights.reshape(-1, q).T)[0, 1]] if q == 2 else []), sigma]
    np.testing.assert_allclose(fit.own_optimum, expected, rtol=1e-9)
    np.testing.assert_allclose(fit.estimate, expected, rtol=1e-6)
    np.testing.assert_allclose(fit.se[layout.beta], se[: layout.p], rtol=1e-8)
    np.testing.assert_allclose(fit.random_effects.mode.ravel(), weights, atol=1e-6)
    np.testing.assert_allclose(fit.random_effects.sd.ravel(), se[layout.p :], rtol=1e-6)
    freedom = len(problem.y) - len(np.unique(problem.groups)) * q - layout.p + q
    assert fit.se[layout.sigma] == pytest.approx(sigma / np.sqrt(2 * freedom))
    assert fit.status is Status.OK
    assert fit.gap_deviance < 1e-9
    assert fit.grad_norm < 1e-3


def test_statsmodels_agrees():
    smf = pytest.importorskip("statsmodels.formula.api")
    problem = simulated(4, q=1)
    frame = {"y": problem.y, "x": problem.x[:, 1], "g": problem.groups}
    theirs = smf.ols("y ~ x + C(g, Sum)", frame).fit()
    best = estimator("adam-embedding:epochs=1").fit([problem], seeds(1))[0].own_optimum
    np.testing.assert_allclose(best[:2], theirs.params[["Intercept", "x"]], rtol=1e-9)
    assert best[-1] == pytest.approx(np.sqrt(theirs.mse_resid), rel=1e-9)


def by_keras(problem: Problem, start: np.ndarray, *, batch: int, one_hot: bool) -> np.ndarray:
    """Return the weights after every update of four epochs of Keras's own ``fit``: bias, slope, level weights."""
    _, keras = backend()
    layers, count, q = keras.layers, len(problem.layout.levels), problem.layout.q
    columns, z, level = keras.Input((1,)), keras.Input((q,)), keras.Input((), dtype="int32")
    dense = layers.Dense(1)
    levels = layers.Dense(q, use_bias=False) if one_hot else layers.Embedding(count, q)
    coded = layers.CategoryEncoding(count, output_mode="one_hot")(level[:, None]) if one_hot else level
    model = keras.Model([columns, z, level], layers.Add()([dense(columns), layers.Dot(axes=1)([levels(coded), z])]))
    dense.set_weights([start[1:2, None], start[:1]])
    levels.set_weights([start[2:].reshape(count, q)])
    record = []

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            kernel, bias = dense.get_weights()
            record.append(np.concatenate([bias, kernel[:, 0], levels.get_weights()[0].ravel()]))

    model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss="mse")
    model.fit(
        [problem.x[:, 1:], problem.z, problem.groups], problem.y, batch_size=batch, epochs=4, shuffle=False,
        verbose=0, callbacks=[Record()],
    )  # fmt: skip
    return np.array(record)


@pytest.fixture
def _in_float64():
    """Keras's default float for a test; its loss is computed in it."""
    _, keras = backend()
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def sorted_by_turns(problem: Problem) -> Problem:
    """Return the rows of a problem in an order in which neighbours have different levels."""
    turn = np.zeros(len(problem.y))
    for k in range(len(problem.layout.levels)):
        turn[problem.groups == k] = np.arange(np.sum(problem.groups == k))
    order = np.lexsort([problem.groups, turn])
    return problem_of(problem.y[order], problem.x[order], problem.z[order], problem.groups[order])


def ours_and_keras(batch: int, rows: int, *, one_hot: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return fixed effects and sds of weights after every update, of the middle one of a stack, and by Keras."""
    problems = [
        sorted_by_turns(simulated(seed, levels=20, rows=rows)) for seed, rows in ((5, 100), (6, rows), (7, 130))
    ]
    engine = AdamEmbedding(shuffle=False, epochs=4, dtype="float64", batch=batch)
    member = engine.member(problems[1])
    by_theirs = by_keras(problems[1], engine._start(member, seeds(3)[1], 0), batch=batch, one_hot=one_hot)
    beta, effects = engine.coefficients(member, by_theirs)
    mean = effects.mean(axis=1)
    sd = np.sqrt(np.sum((effects - mean[:, None]) ** 2, axis=1) / 19)
    return engine.fit(problems, seeds(3))[1].path.values[1:, :4], np.hstack([beta + mean, sd])


@pytest.mark.parametrize(("batch", "rows", "one_hot"), [(32, 85, True), (5, 80, False)])
@pytest.mark.usefixtures("_in_float64")
def test_every_update_equals_keras_fit(batch, rows, one_hot):
    """A one-hot ``Dense`` layer, and ``Embedding`` in minibatches that have a level once.

    Levels without a row in a minibatch move too: Adam keeps their momentum.
    """
    ours, theirs = ours_and_keras(batch, rows, one_hot=one_hot)
    assert len(ours) == len(theirs) == 4 * -(-rows // batch)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.usefixtures("_in_float64")
def test_keras_itself_adds_squares_row_by_row_for_an_embedding():
    """Keras 3 squares the sparse gradient of ``Embedding`` before it adds up the rows of a level (on TensorFlow).

    So its Adam is not Adam there; with ``Dense`` on one-hot columns, or one row a level, it is. Should this test fail,
    Keras has changed, and the note in docs/adam.md should go.
    """
    ours, theirs = ours_and_keras(32, 85, one_hot=False)
    assert np.max(np.abs(ours[0] - theirs[0])) > 1e-4


def test_the_start_has_keras_law():
    _, keras = backend()
    engine, problem = AdamEmbedding(), simulated(1, levels=15)
    member = engine.member(problem)
    drawn = np.array([engine.start(member, np.random.default_rng(r))[2:] for r in range(200)])
    layer = keras.layers.Embedding(500, 2)
    layer.build()
    theirs = layer.get_weights()[0]
    for values in (drawn, theirs):
        assert 0.049 < np.abs(values).max() <= 0.05
        assert abs(values.std() - 0.1 / np.sqrt(12)) < 4 * 0.1 / np.sqrt(12) / np.sqrt(values.size)


def test_a_replicate_does_not_depend_on_its_neighbours():
    problems = [simulated(r, rows=rows) for r, rows in enumerate((60, 75, 110, 75))]
    for settings in ({}, {"patience": 2, "restore_best": True, "validation_split": 0.2, "epochs": 200, "lr": 0.05}):
        engine = AdamEmbedding(**{"dtype": "float64", "epochs": 20, **settings})
        together = engine.fit(problems, seeds(4))
        for r, problem in enumerate(problems):
            alone = engine.fit([problem], seeds(4)[r : r + 1])[0]
            np.testing.assert_allclose(together[r].estimate, alone.estimate, rtol=1e-9)
            np.testing.assert_allclose(
                together[r].random_effects.mode, alone.random_effects.mode, rtol=1e-8, atol=1e-12
            )
            assert (together[r].flags, together[r].evaluations) == (alone.flags, alone.evaluations)
    assert len({fit.evaluations for fit in together}) > 2


def test_the_projection_does_not_depend_on_where_the_constant_is():
    problem = simulated(8)
    dummies, rng = dummies_of(problem), np.random.default_rng(0)
    beta, effects, moved = rng.normal(size=(1, 2)), rng.normal(size=(1, 12, 2)), rng.normal(size=2)
    one, other = dummies.project(beta, effects), dummies.project(beta + moved, effects - moved)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    np.testing.assert_allclose(one[1].mean(axis=1), 0, atol=1e-12)
    fitted = problem.x @ one[0][0] + np.sum(problem.z * one[1][0][problem.groups], axis=1)
    np.testing.assert_allclose(fitted, problem.x @ beta[0] + np.sum(problem.z * effects[0][problem.groups], axis=1))


def fit_of(x: np.ndarray, z: np.ndarray, groups: np.ndarray, seed: int = 0, label: str = EXACT) -> Fit:
    """Return the fit of noise on some columns."""
    y = np.random.default_rng(seed).normal(size=len(groups)) + x.sum(axis=1)
    names = tuple("abcdef"[: x.shape[1]])
    return estimator(label).fit([problem_of(y, x, z, groups, coefs=names)], seeds(1))[0]


def test_effects_of_covariates_of_the_levels_are_not_estimable():
    rng = np.random.default_rng(1)
    g, one = np.repeat(np.arange(10), 6), np.ones((60, 1))
    x, w = rng.normal(size=60), rng.normal(size=10)[g]
    fit = fit_of(np.column_stack([one, x, w]), one, g)
    assert list(np.isfinite(fit.estimate)) == [False, True, False, False, True]
    assert fit.reason[2] == "not estimable: the level weights can take its place"
    assert fit.reason[3] == "not estimable: fixed effects can take the place of the level weights"
    assert fit.estimand[2] == fit.estimand[3] == ""
    within = np.linalg.lstsq(np.column_stack([indicators(problem_of(x, one, one, g)), x]), np.ones(60))[0]
    assert np.isfinite(within).all()
    assert fit.gap_sd < 0.1
    centred = fit_of(np.column_stack([one, x, w - np.unique(w).mean()]), one, g)
    assert list(np.isfinite(centred.estimate)) == [True, True, False, False, True]


def test_weights_whose_mean_no_fixed_effect_takes_stay_as_they_are():
    rng = np.random.default_rng(2)
    g, x = np.repeat(np.arange(10), 6), rng.normal(size=60)
    columns = np.column_stack([np.ones(60), x])
    fit = fit_of(columns[:, :1], columns, g)
    assert fit.estimand[1] == "sd of the level weights: sqrt(tau^2 + sigma^2/n)"
    assert fit.estimand[2] == "root mean square of the level weights: sqrt(tau^2 + sigma^2/n)"
    assert fit.reason[2].startswith("no fixed effect takes the mean of these weights")
    slopes = fit.random_effects.mode[:, 1]
    assert fit.estimate[2] == pytest.approx(np.sqrt(np.mean(slopes**2)))
    assert abs(fit.random_effects.mode[:, 0].mean()) < 1e-10


def test_levels_with_too_few_rows_are_left_out_and_counted():
    rng = np.random.default_rng(3)
    g = np.concatenate([np.repeat(np.arange(8), 6), [8, 9, 9, 9]])
    x = rng.normal(size=len(g))
    x[-3:] = 0.5
    columns = np.column_stack([np.ones(len(g)), x])
    fit = fit_of(columns, columns, g)
    assert fit.message.startswith("2 of 10 levels of g have too few rows")
    assert np.isnan(fit.random_effects.mode[8:]).all()
    assert np.isfinite(fit.random_effects.mode[:8]).all()
    alone = fit_of(columns[g < 8], columns[g < 8], g[g < 8])
    assert np.isfinite(fit.estimate).all()
    assert alone.message == ""
    ragged = problem_of(rng.normal(size=len(g)), np.column_stack([columns, rng.normal(size=len(g))]), columns, g)
    design = np.hstack([ragged.x, indicators(ragged)])
    fitted = design @ np.linalg.lstsq(design, ragged.y, rcond=1e-10)[0]
    assert dummies_of(ragged).rss == pytest.approx(np.sum((ragged.y - fitted) ** 2), rel=1e-9)
    y = rng.normal(size=len(g))
    dense = np.linalg.matrix_rank(np.hstack([columns, indicators(problem_of(y, columns, columns, g))]))
    assert dummies_of(problem_of(y, columns, columns, g)).rank == dense == 18
    few = fit_of(columns[:6], columns[:6], np.arange(6) // 2)
    assert np.isnan(few.estimate[-1])
    assert few.reason[-1] == "not estimable: as many weights as rows"


def test_levels_that_only_held_out_rows_have_are_weights_without_an_estimate():
    g = np.repeat(np.arange(10), 6)
    columns = np.column_stack([np.ones(60), np.random.default_rng(4).normal(size=60)])
    fit = fit_of(columns, columns[:, :1], g, label="adam-embedding:validation_split=0.2,patience=5")
    assert fit.random_effects.mode.shape == (10, 1)
    assert np.isnan(fit.random_effects.mode[8:]).all()
    assert np.isfinite(fit.random_effects.mode[:8]).all()


def test_the_sd_of_the_weights_is_not_that_of_the_effects():
    """Twelve levels of six rows, tau 0.5 and sigma 1: sqrt(0.25 + 1/6), 0.65, and not 0.5."""
    variances = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        g = np.repeat(np.arange(12), 6)
        y = 0.5 * rng.normal(size=12)[g] + rng.normal(size=72)
        one = np.ones((72, 1))
        variances.append(np.var(dummies_of(problem_of(y, one, one, g)).fit[1][:, 0], ddof=1))
    error = np.std(variances) / np.sqrt(400)
    assert abs(np.mean(variances) - (0.25 + 1 / 6)) < 4 * error
    assert error < 0.02


def test_a_short_run_is_premature_and_has_no_standard_error():
    fit = AdamEmbedding(epochs=2).fit([simulated(9)], seeds(1))[0]
    assert Flag.PREMATURE in fit.flags
    assert fit.gap_deviance > 0
    assert np.isnan(fit.se).all()
    assert fit.reason[0] == "not at an optimum"
    assert np.isnan(fit.random_effects.sd).all()


def test_a_wild_rate_diverges():
    fit = AdamEmbedding(optimizer="SGD", lr=1e9).fit([simulated(9)], seeds(1))[0]
    assert Flag.DIVERGED in fit.flags


def test_an_offset_of_a_million_changes_nothing():
    problem = simulated(10)
    far = problem_of(problem.y + 1e6, problem.x, problem.z, problem.groups)
    near, moved = (dummies_of(each) for each in (problem, far))
    np.testing.assert_allclose(moved.fit[1], near.fit[1], rtol=1e-6, atol=1e-8)
    assert moved.rss == pytest.approx(near.rss, rel=1e-9)
