"""What a study has found so far equals what its tables say in the end."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bayescompare.comparison.running import COLUMNS, Mean, Running
from bayescompare.study.parts import columns_of
from bayescompare.study.run import run_study
from bayescompare.study.tasks import SURFACE
from tests.study.runs import fast


def test_a_running_mean_is_the_mean_and_its_standard_error():
    values = [*np.random.default_rng(1).normal(3, 2, 50), math.nan]
    mean = Mean()
    for value in values:
        mean.add(value)
    assert mean.n == 50
    assert mean.value == pytest.approx(np.mean(values[:50]), rel=1e-12)
    assert mean.error == pytest.approx(np.std(values[:50], ddof=1) / np.sqrt(50), rel=1e-12)


def test_one_value_has_no_error():
    mean = Mean()
    mean.add(2.0)
    assert (mean.value, math.isnan(mean.error)) == (2.0, True)


def test_the_counts_and_measures_are_those_of_the_tables():
    running: dict[str, Running] = {}

    def observe(task, part):
        if task.estimator != SURFACE:
            running.setdefault(task.estimator, Running()).add(columns_of(part, COLUMNS))

    results = run_study(fast(estimators=["lbfgs-ml", "lbfgs-reml"]), observe=observe)
    fits, found = results.tables["fits"], results.tables["intervals"]
    key = ["scenario", "replicate", "estimator"]
    joined = found.merge(results.tables["estimates"][[*key, "parameter", "estimate", "truth"]], on=[*key, "parameter"])
    joined = joined[joined["lower"].notna() & joined["truth"].notna()]
    assert set(running) == {label for label in fits["estimator"]}
    for label, one in running.items():
        own = fits[fits["estimator"] == label]
        assert one.statuses == own["status"].value_counts().to_dict()
        assert one.seconds == pytest.approx(own["seconds"].sum())
        first = joined[joined["estimator"] == label]
        first = first[(first["kind"] == first["kind"].iloc[0]) & (first["level"] == first["level"].iloc[0])]
        hits = (first["lower"] <= first["truth"]) & (first["truth"] <= first["upper"])
        shares = hits.groupby([first["scenario"], first["replicate"]]).mean()
        assert one.coverage.n == len(shares)
        assert one.coverage.value == pytest.approx(shares.mean())
        assert one.coverage.error == pytest.approx(shares.sem())
        own = results.tables["estimates"]
        sds = own[(own["estimator"] == label) & own["parameter"].str.startswith("sd_") & (own["truth"] > 0)]
        errors = (sds["estimate"] / sds["truth"] - 1).groupby([sds["scenario"], sds["replicate"]]).mean()
        assert one.error.value == pytest.approx(errors.mean())
