"""What practitioners set: optimizer, schedule, early stopping, batches, restarts; each as Keras means it."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from bayescompare.engines.adam.batches import Minibatches, in_order, shuffled, whole
from bayescompare.engines.adam.calls import Call, read_call
from bayescompare.engines.adam.judge import Margins, Outcome, judge
from bayescompare.engines.adam.loop import loop
from bayescompare.engines.adam.marginal import AdamMarginal
from bayescompare.engines.adam.optimizers import COUPLED, ELEMENTWISE, SCHEDULES, rates, read_optimizer, read_schedule
from bayescompare.engines.adam.pieces import by_group, cut_rows
from bayescompare.engines.adam.pooled import AdamPooled
from bayescompare.engines.adam.run import Plan
from bayescompare.engines.catalog import estimator, split_labels
from bayescompare.engines.lbfgs.likelihood import LbfgsML
from bayescompare.errors import EstimatorError
from bayescompare.fits import Flag, Path
from bayescompare.likelihood.dense import covariance, loglik, marginal_covariance
from bayescompare.likelihood.evaluate import deviance
from bayescompare.likelihood.tensorflow import backend
from tests.engines.test_adam_marginal import seeds, slopes
from tests.engines.test_adam_pooled import make_problem

ALL = {**ELEMENTWISE, **COUPLED}


@pytest.fixture(scope="module")
def keras():
    """Keras, its loss in float64."""
    _, module = backend()
    before = module.config.floatx()
    module.config.set_floatx("float64")
    yield module
    module.config.set_floatx(before)


def by_keras(keras, problem, start, optimizer, **fit):
    """Return what is left after Keras's own ``fit`` of a dense layer: weights, bias first, and the number of epochs."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.set_weights([start[1:, None], start[:1]])
    model.compile(optimizer=optimizer, loss="mse")
    history = model.fit(problem.x[:, 1:], problem.y, shuffle=False, verbose=0, **fit)
    weights = model.get_weights()
    return np.concatenate([weights[1], weights[0][:, 0]]), len(history.epoch)


def pooled(**settings) -> AdamPooled:
    return AdamPooled(shuffle=False, dtype="float64", **settings)


def start_of(engine, problem, seed):
    return engine._start(engine.member(problem), seed, 0)


@pytest.mark.parametrize(("split", "restores", "patience"), [(0.0, True, 3), (0.2, True, 3), (0.2, False, 0)])
def test_early_stopping_is_keras_s(keras, split, restores, patience):
    """Three data sets that stop at different epochs, in one stack; 75 rows make a last batch of another size."""
    problems = [make_problem(seed, rows) for seed, rows in ((1, 75), (2, 60), (5, 75))]
    settings = {"patience": patience, "restore_best": restores, "min_delta": 1e-4}
    engine = pooled(lr=0.1, batch=16, epochs=200, validation_split=split, **settings)
    found = []
    for fit, problem, seed in zip(engine.fit(problems, seeds(3)), problems, seeds(3), strict=True):
        callback = keras.callbacks.EarlyStopping(
            "val_loss" if split else "loss",
            patience=patience,
            restore_best_weights=restores,
            min_delta=1e-4,
            mode="min",
        )
        start = start_of(engine, problem, seed)
        adam = keras.optimizers.Adam(0.1)
        expected, epochs = by_keras(
            keras, problem, start, adam, epochs=200, batch_size=16, validation_split=split, callbacks=[callback]
        )
        trained = int(np.floor(len(problem.y) * (1 - split)))
        assert fit.evaluations == epochs * -(-trained // 16)
        np.testing.assert_allclose(fit.estimate[:3], expected, rtol=1e-8)
        assert Flag.STEP_LIMIT not in fit.flags
        found.append(epochs)
    assert len(set(found)) > 1


def test_early_stopping_does_not_depend_on_neighbours():
    problems = [make_problem(seed, rows) for seed, rows in ((1, 75), (2, 60), (5, 75), (8, 110))]
    engine = pooled(lr=0.05, batch=16, epochs=300, validation_split=0.2, patience=3)
    together = engine.fit(problems, seeds(4))
    assert len({fit.evaluations for fit in together}) > 2
    for r in range(4):
        alone = engine.fit([problems[r]], [seeds(4)[r]])[0]
        np.testing.assert_allclose(alone.estimate, together[r].estimate, rtol=1e-9)
        assert (alone.evaluations, alone.flags) == (together[r].evaluations, together[r].flags)


def test_a_run_that_patience_did_not_stop_says_so():
    fit = pooled(lr=1e-4, epochs=3, patience=5).fit([make_problem(1)], seeds(1))[0]
    assert {Flag.STEP_LIMIT, Flag.PREMATURE} <= set(fit.flags)


@pytest.mark.parametrize("name", ALL)
def test_every_optimizer_is_keras_s_and_runs_in_a_stack_as_alone(keras, name):
    """One that looks at all numbers of a variable sees the weights and the bias as one vector here."""
    problems = [make_problem(seed, 75) for seed in (1, 2, 3)]
    engine = pooled(optimizer=name, lr=0.02, batch=25, epochs=5)
    together = engine.fit(problems, seeds(3))
    alone = engine.fit(problems[1:2], seeds(3)[1:2])[0]
    np.testing.assert_allclose(together[1].estimate, alone.estimate, rtol=1e-9)
    start = start_of(engine, problems[1], seeds(3)[1])
    optimizer = getattr(keras.optimizers, name)(0.02)
    expected, _ = by_keras(keras, problems[1], start, optimizer, epochs=5, batch_size=25)
    assert np.max(np.abs(expected - start)) > 1e-4
    if name in ELEMENTWISE:
        np.testing.assert_allclose(alone.estimate[:3], expected, rtol=1e-6)


@pytest.mark.parametrize("given", ["Adam(amsgrad=True,beta_1=0.8,beta_2=0.95,epsilon=0.001)", "Adam(clipvalue=0.05)",
                                   "SGD(momentum=0.9,nesterov=True)", "AdamW(weight_decay=0.1)",
                                   "Adam(use_ema=True,ema_momentum=0.9)",
                                   "RMSprop(use_ema=True,ema_momentum=0.5,centered=True)"])  # fmt: skip
def test_arguments_of_optimizers_are_keras_s(keras, given):
    problem = make_problem(4)
    engine = estimator(f"adam-pooled:optimizer={given},shuffle=False,dtype=float64,lr=0.02,batch=25,epochs=20")
    call = read_optimizer(given)
    optimizer = getattr(keras.optimizers, call.name)(0.02, **dict(call.arguments))
    expected, _ = by_keras(keras, problem, start_of(engine, problem, seeds(1)[0]), optimizer, epochs=20, batch_size=25)
    fit = engine.fit([problem], seeds(1))[0]
    np.testing.assert_allclose(fit.estimate[:3], expected, rtol=1e-6)
    plain = pooled(lr=0.02, batch=25, epochs=20).fit([problem], seeds(1))[0]
    assert np.max(np.abs(plain.estimate[:3] / expected - 1)) > 1e-4


def test_an_averaged_fit_that_has_stopped_keeps_its_average():
    """The average goes on towards where the weights stay: it must not."""
    problems = [make_problem(seed) for seed in (1, 2, 5)]
    engine = pooled(optimizer="Adam(use_ema=True,ema_momentum=0.95)", lr=0.1, epochs=200, batch=25, patience=2)
    together = engine.fit(problems, seeds(3))
    assert len({fit.evaluations for fit in together}) > 1
    for fit, problem, seed in zip(together, problems, seeds(3), strict=True):
        np.testing.assert_allclose(engine.fit([problem], [seed])[0].estimate, fit.estimate, rtol=1e-9)


SCHEDULED = [
    "CosineDecay(decay_steps=30,alpha=0.1)", "CosineDecay(decay_steps=30,warmup_target=0.2,warmup_steps=5)",
    "CosineDecayRestarts(first_decay_steps=10)", "ExponentialDecay(decay_steps=10,decay_rate=0.5,staircase=True)",
    "InverseTimeDecay(decay_steps=10,decay_rate=1)", "PolynomialDecay(decay_steps=20,power=2)",
    "PiecewiseConstantDecay(boundaries=[5,15],values=[0.1,0.01,0.001])",
]  # fmt: skip


@pytest.mark.parametrize("given", SCHEDULED)
def test_schedules_are_keras_s(keras, given):
    call = read_schedule(given)
    arguments = dict(call.arguments)
    if call.name != "PiecewiseConstantDecay":
        arguments["initial_learning_rate"] = 0.1
    schedule = getattr(keras.optimizers.schedules, call.name)(**arguments)
    expected = [float(schedule(step)) for step in range(3, 40)]
    np.testing.assert_allclose(rates(0.1, call)(3, 37), expected, rtol=1e-5)
    problem = make_problem(4)
    lr = "" if call.name == "PiecewiseConstantDecay" else ",lr=0.1"
    engine = estimator(f"adam-pooled:schedule={given},shuffle=False,dtype=float64,batch=25,epochs=12{lr}")
    weights, _ = by_keras(keras, problem, start_of(engine, problem, seeds(1)[0]), keras.optimizers.Adam(schedule),
                          epochs=12, batch_size=25)  # fmt: skip
    np.testing.assert_allclose(engine.fit([problem], seeds(1))[0].estimate[:3], weights, rtol=1e-5)


def test_the_names_and_arguments_are_those_of_the_installed_keras(keras):
    for name, arguments in ALL.items():
        own = inspect.signature(getattr(keras.optimizers, name).__init__).parameters
        common = {"self", "name", "kwargs", "learning_rate", "clipnorm", "global_clipnorm", "loss_scale_factor",
                  "gradient_accumulation_steps"}  # fmt: skip
        assert set(arguments) == set(own) - common, name
    for name, arguments in SCHEDULES.items():
        own = inspect.signature(getattr(keras.optimizers.schedules, name).__init__).parameters
        assert set(arguments) == set(own) - {"self", "name", "initial_learning_rate"}, name


def test_the_best_of_several_restarts_is_reported():
    problem, seed = slopes(3), seeds(1)
    fit = AdamMarginal(steps=60, restarts=4).fit([problem], seed)[0]
    assert len(fit.restarts) == 3
    ends = [path.loss[-1] for path in (fit.path, *fit.restarts)]
    assert ends == sorted(ends)
    assert len({path.loss[0] for path in (fit.path, *fit.restarts)}) == 4
    assert fit.evaluations == 4 * 60
    assert fit.diagnostics["rhat_restarts"] > 1.5
    alone = AdamMarginal(steps=60).fit([problem], seed)[0]
    own = next(path for path in (fit.path, *fit.restarts) if path.loss[0] == alone.path.loss[0])
    np.testing.assert_allclose(own.values, alone.path.values, rtol=1e-9)
    assert np.isnan(alone.diagnostics["rhat_restarts"])


def test_what_can_be_seen_of_an_end():
    """A run that has arrived promises nothing more; one on its way drifts, and knows how far it has to go."""
    problem = slopes(5)
    there = AdamMarginal().fit([problem], seeds(1))[0]
    assert there.diagnostics["newton_sd"] < 1e-2
    assert there.diagnostics["oscillation_sd"] < 0.01
    near = AdamMarginal(steps=1000, lr=0.003, premature=10.0, oscillating=10.0).fit([problem], seeds(1))[0]
    assert near.flags == ()
    assert near.gap_sd > 0.02
    assert near.diagnostics["newton_sd"] == pytest.approx(np.sqrt(near.gap_deviance), rel=0.2)
    assert near.diagnostics["drift_z"] > 2


@pytest.mark.parametrize(
    ("decrease", "gap", "flag"),
    [(1e-5, 4.0, Flag.WORSE_OPTIMUM), (1.0, 4.0, Flag.PREMATURE), (1e-5, 0.001, Flag.PREMATURE)],
)
def test_a_run_at_rest_far_from_the_best_optimum_is_in_a_worse_one(decrease, gap, flag):
    """What it still promises tells it from one that stopped on its way; where nothing is lost it is on a ridge."""
    problem = slopes(1)
    best = LbfgsML().fit([problem], seeds(1))[0]
    estimate = best.estimate * 1.5
    path = Path(steps=np.arange(50), values=np.tile(estimate, (50, 1)), loss=np.zeros(50))
    outcome = Outcome(estimate=estimate, paths=[path], decrease=decrease, diverged=False, gap=gap)
    verdict = judge(outcome, best, problem.layout, Margins())
    assert verdict.flags == (flag,)
    assert not verdict.at_optimum


@pytest.mark.parametrize(
    ("label", "flag"),
    [
        ("adam-marginal:lr=10,epochs=200", Flag.DIVERGED),
        ("adam-marginal:lr=10,epochs=200,scale=raw", Flag.DIVERGED),
        ("adam-marginal:lr=1e-5,epochs=200", Flag.PREMATURE),
        ("adam-marginal:lr=0.3,batch=2,epochs=30", Flag.OSCILLATING),
    ],
)
def test_planted_faults_are_caught(label, flag):
    fits = estimator(label).fit([slopes(seed) for seed in range(10)], seeds(10))
    assert all({flag, Flag.PREMATURE} <= set(fit.flags) for fit in fits)


def test_a_true_sd_of_zero_is_a_boundary():
    fits = AdamMarginal().fit([slopes(seed, sd=(0.0, 0.0)) for seed in range(10)], seeds(10))
    ml = LbfgsML().fit([slopes(seed, sd=(0.0, 0.0)) for seed in range(10)], seeds(10))
    found = [Flag.BOUNDARY in fit.flags for fit in fits]
    assert found == [Flag.BOUNDARY in fit.flags for fit in ml]
    assert sum(found) >= 7


def test_thresholds_can_be_changed():
    problem = slopes(1)
    away = AdamMarginal(steps=80).fit([problem], seeds(1))[0]
    assert Flag.PREMATURE in away.flags
    lax = AdamMarginal(steps=80, premature=away.gap_sd * 1.01, oscillating=1e6).fit([problem], seeds(1))[0]
    assert lax.flags == ()
    assert lax.gap_sd == away.gap_sd


def dense_loglik(problem, rows, theta) -> float:
    """Return the log likelihood of some rows, from their dense covariance."""
    layout = problem.layout
    s = covariance(theta[layout.sd], theta[layout.cor], layout)
    v = marginal_covariance(problem.z[rows], problem.groups[rows], len(layout.levels), s, theta[layout.sigma])
    return loglik(problem.y[rows], problem.x[rows], theta[layout.beta], v)


def test_batches_of_rows_are_another_objective_with_its_own_optimum():
    problem = slopes(1, groups=12, rows=7)
    seed = seeds(1)[0]
    engine = AdamMarginal(of="rows", batch=10, epochs=5)
    member = engine.member(problem)
    rows = by_group(problem)
    theta = np.array([0.3, 1.5, 0.8, 0.4, 0.2, 1.2])
    batches = [rows[first : first + 10] for first in range(0, len(rows), 10)]
    dense = sum(-2 * dense_loglik(problem, batch, theta) for batch in batches)
    assert deviance(member.train, theta) == pytest.approx(dense, rel=1e-10)
    assert deviance(problem, theta) != pytest.approx(dense, rel=1e-3)
    fit = engine.fit([problem], [seed])[0]
    assert fit.estimand[0] == "ML mode of rows in batches of 10"
    best = LbfgsML().fit([member.train], [seed])[0]
    np.testing.assert_allclose(fit.own_optimum, best.estimate, rtol=1e-6)


@pytest.mark.parametrize("label", ["adam-marginal:batch=5,epochs=1", "adam-marginal:of=rows,batch=10,epochs=1"])
def test_the_batches_of_an_epoch_add_up(label):
    """The mean of the minibatch losses, by the share of the data in each, is the loss on all."""
    problem, engine = slopes(2, groups=13), estimator(label)
    member = engine.member(problem)
    data = [np.asarray(each) for each in engine.data([member.train], [member.unit])]
    x = np.array([[0.2, -0.1, 0.3, -0.2, 0.4, 0.1]])
    epoch = engine.epoch(member, np.random.default_rng(1))()
    objective, shares = engine.objective(member), data[1][0]
    loss = [float(objective.loss(x, tuple(data), batch[None])[0]) for batch in epoch]
    weight = [shares[batch[batch >= 0]].sum() for batch in epoch]
    units = (len(problem.y), 10) if "rows" in label else (13, 5)
    sizes = [min(units[1], units[0] - first) for first in range(0, units[0], units[1])]
    assert sorted(weight) == pytest.approx(sorted(np.array(sizes) / units[0]))
    assert np.dot(loss, weight) == pytest.approx(float(objective.loss(x, tuple(data), None)[0]), rel=1e-10)


def test_the_last_groups_are_held_out():
    problem = slopes(1, groups=10)
    engine = AdamMarginal(validation_split=0.25, patience=20, epochs=2000, lr=0.05)
    member = engine.member(problem)
    assert member.train.layout.levels == problem.layout.levels[:7]
    assert member.held.layout.levels == problem.layout.levels[7:]
    theta = np.array([0.3, 1.5, 0.8, 0.4, 0.2, 1.2])
    both = deviance(member.train, theta) + deviance(member.held, theta)
    assert both == pytest.approx(deviance(problem, theta), rel=1e-10)
    fit = engine.fit([problem], seeds(1))[0]
    assert fit.estimand[0] == "ML mode, the last 25% held out"
    np.testing.assert_allclose(fit.own_optimum, LbfgsML().fit([member.train], seeds(1))[0].estimate, rtol=1e-6)
    assert fit.evaluations < 2000


def test_xla_compiles_where_it_is_asked_for_and_changes_nothing():
    problem, estimates = make_problem(0), []
    # a shape of its own: loops are kept
    for given in (True, False):
        engine = estimator(f"adam-pooled:dtype=float64,batch=25,epochs=4,restarts=3,jit_compile={given}")
        estimates.append(engine.fit([problem], seeds(1))[0].estimate)
        kept = loop(engine.objective(engine.member(problem)), 3, 3, "float64", engine.call, None)
        assert kept.advance_by_xla.experimental_get_tracing_count() == 1
        assert kept.advance.experimental_get_tracing_count() == (not given)
    np.testing.assert_allclose(*estimates, rtol=1e-10)


@pytest.mark.parametrize(
    ("given", "updates", "replicates", "by_xla"),
    [
        (True, 1, 500, True),
        (False, 99999, 1, False),
        ("auto", 2000, 1, False),
        ("auto", 5000, 1, True),
        ("auto", 5000, 100, False),
    ],
)
def test_xla_is_chosen_by_the_length_of_the_runs(given, updates, replicates, by_xla):
    plan = Plan(rates=rates(0.1, None), updates=np.full(replicates, updates, np.int32), jit_compile=given)
    assert plan.by_xla() is by_xla


def test_runs_of_many_lengths_say_nothing_of_tracing(capfd, caplog):
    for steps in range(20, 28):
        estimator(f"adam-pooled:dtype=float64,steps={steps}").fit([make_problem(0)], seeds(1))
    assert "retracing" not in caplog.text + capfd.readouterr().err


def test_one_held_out_row_a_group_is_enough():
    """What is held out need not tell the columns apart."""
    problem = slopes(1, groups=20, rows=4)
    fit = estimator("adam-marginal:of=rows,batch=40,epochs=3,patience=1,validation_split=0.02").fit(
        [problem], seeds(1)
    )[0]
    assert np.isfinite(fit.estimate).all()


def test_rows_are_cut_at_the_edges_of_batches():
    problem = slopes(3, groups=5, rows=6)
    cut, table = cut_rows(problem, by_group(problem), 8)
    assert [list(batch[batch >= 0]) for batch in table] == [[0, 1], [2, 3], [4, 5], [6]]
    assert list(np.bincount(cut.groups)) == [6, 2, 4, 4, 2, 6, 6]


def test_minibatches_are_drawn_epoch_by_epoch():
    rng = np.random.default_rng(3)
    batches = Minibatches([shuffled(7, 3, rng), in_order(4, 3), whole(np.arange(4, dtype=np.int32)[:, None], None)])
    assert list(batches.each) == [3, 2, 4]
    taken = np.concatenate([batches.take(count) for count in (1, 4, 7)])
    assert taken.shape == (12, 3, 3)
    first = taken[:, 0].reshape(4, 9)
    assert [sorted(epoch[epoch >= 0]) for epoch in first] == [list(range(7))] * 4
    assert len({tuple(epoch) for epoch in first}) > 1
    np.testing.assert_array_equal(taken[:2, 1], [[0, 1, 2], [3, -1, -1]])
    np.testing.assert_array_equal(taken[:, 2, 0], [0, 1, 2, 3] * 3)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("adam-marginal:jit_compile=yes", "jit_compile cannot be 'yes'; give true or false or 'auto'."),
        ("adam-marginal:optimizer=Adan", "There is no optimizer 'Adan'. Did you mean 'Adam'?"),
        ("adam-marginal:optimizer=Adam(beta1=0.8)", "Adam has no argument 'beta1'. Did you mean 'beta_1'?"),
        ("adam-marginal:optimizer=Adam(0.1)", "give the arguments of Adam by name"),
        ("adam-marginal:optimizer=Adam(clipnorm=1)", "replicates are run in one stack"),
        ("adam-marginal:optimizer=Muon", "it is for matrices of weights"),
        ("adam-marginal:optimizer=__import__('os').system('ls')", "is no optimizer"),
        ("adam-marginal:optimizer=Adam(beta_1=open)", "is no optimizer"),
        ("adam-marginal:schedule=CosineDecay", "CosineDecay needs decay_steps."),
        ("adam-marginal:schedule=ExponentialDecay(decay_steps=9)", "ExponentialDecay needs decay_rate."),
        ("adam-marginal:schedule=CosineDecay(initial_learning_rate=1,decay_steps=9)", "of a schedule is lr"),
        ("adam-pooled:lr=3,schedule=PiecewiseConstantDecay(boundaries=[1],values=[1,2])", "leave lr out"),
        ("adam-pooled:validation_split=0.1", "validation_split has a meaning with patience only"),
        ("adam-pooled:restore_best", "restore_best has a meaning with patience only"),
        ("adam-pooled:validation_split=1,patience=1", "must be a share from 0 to below 1"),
        ("adam-pooled:steps=10,epochs=20", "give epochs or steps, not both"),
        ("adam-pooled:patience=-1", "patience must be zero or more epochs"),
        ("adam-pooled:restarts=0", "restarts must be at least 1"),
        ("adam-marginal:batch=5", "adam-marginal:batch=5,epochs=100"),
        ("adam-marginal:patience=5", "adam-marginal:patience=5,epochs=100"),
        ("adam-marginal:of=rows,epochs=5", "of=rows needs batch"),
        ("adam-marginal:steps=5,half_life=3", "half_life is of a run to convergence"),
        ("adam-marginal:amsgrad", "Give it to Keras, as in optimizer=Adam(amsgrad=True)."),
        ("adam-marginal:beta_1=0.8", "Give it to Keras, as in optimizer=Adam(beta_1=0.8)."),
    ],
)
def test_fault_44_settings_that_cannot_be_run_are_refused(label, message):
    with pytest.raises(EstimatorError) as refused:
        estimator(label)
    assert message in str(refused.value)


def test_calls_are_read_and_never_run():
    assert read_call("SGD", ELEMENTWISE, "optimizer") == Call("SGD")
    assert read_call(" SGD( momentum = 0.9 ) ", ELEMENTWISE, "optimizer") == Call("SGD", (("momentum", 0.9),))
    assert str(read_optimizer("Adam(amsgrad=True, beta_1=0.8)")) == "Adam(amsgrad=True,beta_1=0.8)"
    for text in ("", "SGD(", "SGD()()", "a.SGD()", "SGD(momentum='x')", "SGD(**{})", "lambda: 1", "SGD(" * 500):
        with pytest.raises(EstimatorError):
            read_call(text, ELEMENTWISE, "optimizer")


def test_commas_within_parentheses_belong_to_a_label():
    text = "adam-marginal:optimizer=Adam(beta_1=0.8,amsgrad=True),lr=0.1,lbfgs-ml"
    assert split_labels(text) == ["adam-marginal:optimizer=Adam(beta_1=0.8,amsgrad=True),lr=0.1", "lbfgs-ml"]
    label = "adam-marginal:lr=0.1,optimizer=Adam(beta_1=0.8,amsgrad=True)"
    assert estimator(estimator(split_labels(text)[0]).label).label == label
