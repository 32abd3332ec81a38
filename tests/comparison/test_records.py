"""Numbers that stand beside a parameter and estimate something else."""

from __future__ import annotations

import pandas as pd
import pytest

from bayescompare.comparison.records import same_estimand
from bayescompare.engines.catalog import estimator
from tests.engines.test_adam_marginal import seeds, slopes


@pytest.mark.parametrize(
    ("label", "others"),
    [("adam-pooled:epochs=1", {"sigma"}), ("adam-embedding:epochs=1", {"sd", "cor"}), ("lbfgs-ml", set())],
)
def test_what_estimates_something_else_is_left_out(label, others):
    fit = estimator(label).fit([slopes(1)], seeds(1))[0]
    frame = pd.DataFrame({"parameter": fit.layout.labels, "estimand": fit.estimand})
    kept = set(same_estimand(frame)["parameter"])
    assert {name.partition("_")[0].partition("[")[0] for name in set(fit.layout.labels) - kept} == others
