"""The bundled studies of Adam's maps: what they ask for, and tiny versions of them that run."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest

import bayescompare as bc
from bayescompare.comparison.schema import FIT_MEASURES
from bayescompare.reporting import report
from bayescompare.study.definition import Study, load
from bayescompare.study.pilot import run_pilot

#: Settings that make a run long, and what they are in a tiny one.
SHORT = {"epochs": 3, "patience": 1}


def tiny(name: str, **scenario) -> Study:
    """Return a study with one small scenario of a table, a few epochs, and a limit on runs to convergence."""
    study = load(name)
    labels = [
        re.sub(r"(epochs|patience)=\d+", lambda found: f"{found[1]}={SHORT[found[1]]}", label)
        for label in study.estimators
    ]
    free = [label for label in labels if label.startswith("adam") and "epochs" not in label]
    labels = [f"{label}{',' if ':' in label else ':'}limit=50" if label in free else label for label in labels]
    table = {**study.as_dict()["scenario"][1 if len(study.tables) > 1 else 0], **scenario}
    table["truth"] = {key: value[-1] if isinstance(value, list) else value for key, value in table["truth"].items()}
    table = {key: value for key, value in table.items() if key not in ("fraction", "part")}
    return study.changed(scenario=[table], estimators=list(dict.fromkeys(labels)), replicates=2, block=2)


MAPS = {"groups": 6, "rows": 6}
SLOPES = {"sizes": [40, 80, 20, 60, 100, 50, 30, 120, 70, 40]}


def test_the_scenarios_of_the_maps_are_a_latin_square():
    factors = [tuple(one.factors[name] for name in ("effects", "groups", "sd_g")) for one in load("adam-maps").scenario]
    assert len(factors) == 16
    for a, b in combinations(range(3), 2):
        levels = [sorted({row[k] for row in factors}) for k in (a, b)]
        assert Counter((row[a], row[b]) for row in factors) == Counter(product(*levels))


def test_each_rate_meets_each_batch_at_most_once_under_each_rule():
    engines = [engine for engine in load("adam-maps").engines() if engine.name == "adam-marginal"]
    for stops in (False, True):
        own = [one for one in engines if one.epochs is not None and (one.patience is not None) is stops]
        assert len(own) == len({one.lr for one in own}) == len({one.batch for one in own}) == 4
    pairs = [(one.lr, one.batch) for one in engines if one.epochs is not None]
    assert len(set(pairs)) == len(pairs)


def test_the_slopes_have_every_pair_of_variances_equally_often():
    study = load("simchoni-rosset-slopes")
    names = [name for name in study.scenario[0].factors if name.startswith("sd_g")]
    assert len(study.scenario) == 4
    for pair in combinations(names, 2):
        assert len({tuple(one.factors[name] for name in pair) for one in study.scenario}) == 4
    sizes = study.scenario[0].design.rows
    assert (len(sizes), sum(sizes), max(sizes)) == (100, 77_800, 1600)
    time = bc.simulate(study.scenario[0], replicate=0, seed=study.seed).frame["t"]
    assert time.max() == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "scenario"),
    [("adam-maps", MAPS), pytest.param("simchoni-rosset-slopes", SLOPES, marks=pytest.mark.slow)],
)
def test_a_tiny_version_runs_and_is_measured_and_reported(name, scenario, tmp_path):
    study = tiny(name, **scenario)
    results = bc.run_study(study, tmp_path / "out")
    fits = results.tables["fits"]
    assert len(fits) == 2 * len(study.estimators)
    assert set(fits["status"]) <= {"ok", "flagged"}
    adam = fits[fits["estimator"].str.startswith("adam")]
    assert np.isfinite(adam["prediction_known"]).all()
    assert np.isfinite(adam["prediction_new"]).all()
    assert (adam["evaluations_near"].notna() ^ (adam["near_reason"] != "")).all()
    found = bc.measures(results, measure=[*FIT_MEASURES])
    assert set(found["measure"]) == set(FIT_MEASURES)
    assert report(results, tmp_path / "report.html").stat().st_size > 10_000


def test_a_pilot_says_what_a_tiny_version_costs():
    study = tiny("adam-maps", **MAPS)
    study = study.changed(estimators=["lbfgs-ml", next(one for one in study.estimators if "patience" in one)])
    pilot = run_pilot(study)
    assert set(pilot.costs) == set(study.estimators)
    assert all(cost.fit > 0 for cost in pilot.costs.values())
