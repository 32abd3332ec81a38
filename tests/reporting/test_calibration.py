"""The first sentences on calibration: what deviates most surely is named, with its probability and its fits."""

from __future__ import annotations

import pandas as pd

from bayescompare.comparison.calibration import CALIBRATED, NOT_APPLICABLE, NOT_CALIBRATED, UNDECIDED
from bayescompare.reporting.calibration import calibration_sentences


def verdicts(*rows: tuple[str, str, str, float, str]) -> pd.DataFrame:
    """Return verdicts: estimator, parameter, verdict, adjusted probability, reading."""
    frame = pd.DataFrame(rows, columns=["estimator", "parameter", "verdict", "p_adjusted", "reading"])
    return frame.assign(kind="eti", what="centred too low", n_used=90, n_total=100)


def test_the_surest_deviation_is_named_and_the_others_counted() -> None:
    found = verdicts(
        ("nuts", "sigma", NOT_CALIBRATED, 0.02, "all"),
        ("lbfgs-ml", "sd_g[x]", NOT_CALIBRATED, 0.0004, "all"),
        ("lbfgs-ml", "sigma", CALIBRATED, 1.0, "all"),
        ("lbfgs-ml", "beta[x]", NOT_APPLICABLE, float("nan"), "all"),
        ("nuts", "sigma", NOT_CALIBRATED, 0.00001, "passed"),
    )
    first, second = calibration_sentences(found)
    assert first.claim == "2 of 3 are not calibrated."
    assert first.numbers == "Most surely lbfgs-ml, sd_g[x] (eti): centred too low; p < 0.001, n = 90/100."
    assert second.numbers == "nuts: 1 not calibrated; lbfgs-ml: 1 not calibrated, 1 calibrated."


def test_no_deviation_is_not_called_calibrated_where_something_is_undecided() -> None:
    one = ("nuts", "sigma", CALIBRATED, 0.7, "all")
    unsure = ("nuts", "beta[x]", UNDECIDED, 0.3, "all")
    assert calibration_sentences(verdicts(one))[0].claim == "All say where the truth lies."
    found = calibration_sentences(verdicts(one, unsure))[0]
    assert found.claim == "No deviation was found."
    assert found.numbers == "The least p of 2 tests, adjusted for their number, is 0.300."


def test_without_a_test_nothing_is_claimed() -> None:
    found = calibration_sentences(verdicts(("nuts", "sigma", UNDECIDED, float("nan"), "all")))[0]
    assert (found.claim, found.numbers) == ("No deviation was found.", "There were too few data sets to test.")
