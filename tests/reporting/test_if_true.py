"""The section of a report, and the words, on what would happen if a fit were the truth."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.comparison.schema import TABLES
from bayescompare.reporting.if_true_words import sentences
from bayescompare.reporting.render import page
from tests.reporting.hostile import HOSTILE, NAMES

ABOUT = {"truth": "lbfgs-ml", "replicates": 100, "done": 100, "seed": 1, "left_out": [], "notes": []}
SD, BETA = "sd_g[Intercept]", "beta[x]"


def row(measure: str, value: float, **more: object) -> dict:
    given = {"estimator": "lbfgs-ml", "parameter": "", "kind": np.nan, "level": np.nan, "mcse": 0.1, "lower": 0.0}
    return (
        given | {"upper": 1.0, "n_used": 100, "n_total": 100, "reason": "", "measure": measure, "value": value} | more
    )


def cell(label: str, parameter: str, error: float, cover: float) -> list[dict]:
    key = {"estimator": label, "parameter": parameter}
    return [
        row("bias", 5 * error, **key),
        row("standardised_bias", error, **key),
        row("first_coverage", cover, kind="wald, lr", level=0.95, **key),
        row("coverage", 0.1, kind="lr", level=0.95, **key, n_used=1),
    ]


def made(*rows: dict, truth: float = 1.0, differences: tuple[dict, ...] = ()) -> dict[str, pd.DataFrame]:
    """Return tables of a few measures."""
    spread = [
        {"estimator": label, "parameter": name, "truth": truth if name == SD else 2.0, "scale": 0.5, "own": 1.0,
         "mean": 1.0, "lower": 0.5, "lower_half": 0.8, "median": 1.0, "upper_half": 1.2, "upper": 1.5,
         "estimand": "", "n_used": 100, "n_total": 100, "reason": ""}
        for name in (SD, BETA) for label in ("lbfgs-ml", "adam-pooled")
    ]  # fmt: skip
    given = {"if_true": rows, "if_true_estimates": spread, "if_true_differences": differences}
    return {name: pd.DataFrame(list(one), columns=list(TABLES[name])) for name, one in given.items()}


def ends(label: str, flagged: float, failed: float = 0.0) -> list[dict]:
    return [
        row("failed", failed, estimator=label),
        row("flagged", flagged, estimator=label),
        row("flag", 1.0, estimator=label, kind="boundary"),
        row("flag", flagged, estimator=label, kind="premature"),
    ]


FEW = [*cell("lbfgs-ml", SD, -0.01, 0.95), *cell("lbfgs-ml", BETA, 0.02, 0.93)]


def test_the_worst_of_each_kind_is_named_with_its_denominator_and_error():
    rows = [*FEW, *cell("adam-pooled", SD, -0.9, 0.6), row("at_bound", 0.4, estimator="adam-pooled", parameter=SD)]
    rows += [*ends("lbfgs-ml", 0.0), *ends("adam-pooled", 0.6, 0.03)]
    (said,) = sentences(made(*rows), ABOUT)
    assert said == (
        "If the lbfgs-ml fit were the truth, adam-pooled would be flagged or fail in 63 of 100 data sets [53, 72 %], "
        f"most often premature; {SD} of adam-pooled would collapse to zero in 40 of 100 data sets [0, 100 %]; {SD} of "
        "adam-pooled would come out 0.90 ± 0.10 ML standard errors too small on average; of the 95 % intervals, those "
        f"of adam-pooled for {SD} would hold the truth least often, in 60 % [0, 100 %]."
    )


def test_what_cannot_be_told_from_nothing_is_not_said_to_be_something():
    (said,) = sentences(made(*FEW, *ends("lbfgs-ml", 0.0)), ABOUT)
    assert "lbfgs-ml would end without a flag in all of 100 data sets" in said
    assert f"no mean error could be told from zero (the largest, of {BETA} of lbfgs-ml, is 0.02 ± 0.10 ML" in said
    assert "collapse" not in said


def test_an_sd_that_is_zero_in_truth_neither_collapses_nor_is_missed():
    rows = [*cell("nuts", SD, 1.2, 0.0), *FEW, row("at_bound", 0.6, parameter=SD), *ends("lbfgs-ml", 0.0)]
    (said,) = sentences(made(*rows, truth=0.0), ABOUT)
    assert "collapse" not in said
    assert f"those of lbfgs-ml for {BETA} would hold the truth least often, in 93 %" in said


def difference(p: float, **more: object) -> dict:
    given = {"estimator": "nuts", "reference": "lbfgs-ml", "parameter": SD, "observed": 1.0, "mean": 0.0, "sd": 0.2}
    return (
        given | {"below": 99, "equal": 0, "p": p, "p_together": p, "n_used": 100, "n_total": 100, "reason": ""} | more
    )


def test_unusual_differences_point_at_what_the_model_leaves_out():
    _, usual = sentences(made(*FEW, *ends("lbfgs-ml", 0.0), differences=(difference(0.4),)), ABOUT)
    assert "are what one would expect then" in usual
    _, odd = sentences(made(*FEW, *ends("lbfgs-ml", 0.0), differences=(difference(0.0198),)), ABOUT)
    assert (
        "are not what one would expect then: of 1, that of sd_g[Intercept], nuts less lbfgs-ml lies above 99/100" in odd
    )
    assert "p = 0.020, all together" in odd
    _, none = sentences(made(*FEW, *ends("lbfgs-ml", 0.0), differences=(difference(np.nan, reason="too few"),)), ABOUT)
    assert none == "Your own differences are not ranked: too few."


@pytest.fixture(scope="module")
def compared():
    fits = bc.fit("reaction ~ 1 + days + (1 + days | subject)", "sleepstudy", ["lbfgs-ml", "lbfgs-reml"])
    return bc.compare(fits, if_true=bc.if_true(fits, replicates=20))


def test_the_report_of_a_fit_has_a_section_only_where_it_was_asked_for(compared):
    shown = page(compared)
    section = shown[shown.index('<section id="if-true">') :]
    section = section[: section.index("</section>")]
    assert section.count('class="plot"') == 6
    assert section.count("<table") == 3
    assert 'href="#if-true"' in shown
    assert "20 data sets simulated from the lbfgs-ml fit" in section
    ids = re.findall(r'\bid="([^"]*)"', shown)
    assert len(set(ids)) == len(ids)
    without = replace(compared, about={k: v for k, v in compared.about.items() if k != "if_true"})
    assert 'id="if-true"' not in page(without)


def test_a_simulation_that_runs_still_says_how_far_it_is(compared):
    about = {**compared.about, "if_true": {**compared.about["if_true"], "replicates": 50}}
    assert "So far 20 of 50 data sets simulated" in page(replace(compared, about=about))


def test_results_on_disk_have_the_section_too(compared, tmp_path):
    bc.write_results(compared, tmp_path)
    again = bc.read_results(tmp_path)
    pd.testing.assert_frame_equal(again.tables["if_true"], compared.tables["if_true"])
    assert page(again).count('id="if-true"') == 1


def test_hostile_names_are_text(compared):
    tables = dict(compared.tables)
    for name in TABLES:
        if name.startswith("if_true"):
            tables[name] = tables[name].replace({"sigma": HOSTILE, "lbfgs-reml": NAMES[1]}).assign(reason=NAMES[3])
    about = {**compared.about["if_true"], "truth": NAMES[4], "notes": [HOSTILE], "left_out": [NAMES[2]]}
    shown = page(replace(compared, tables=tables, about={**compared.about, "if_true": about}))
    for name in NAMES[:3]:
        assert name not in shown
    assert "&lt;script&gt;alert(1)" in shown
