"""The picture of profiles."""

from __future__ import annotations

import numpy as np
import pytest

import bayescompare as bc
from bayescompare.comparison.results import Results
from bayescompare.comparison.schema import TABLES
from bayescompare.reporting.figures.profile import Curve, profile_panel
from bayescompare.reporting.palette import looks
from bayescompare.reporting.profiles import profiles
from bayescompare.reporting.render import page
from bayescompare.reporting.subject import Subject

LOOK = looks(["lbfgs-ml"])["lbfgs-ml"]


def curve(low: float = -4.0, high: float = 4.0) -> Curve:
    """Return a profile on which zeta is the value less ten."""
    zeta = np.linspace(low, high, 33)
    return Curve(look=LOOK, values=zeta + 10, zeta=zeta)


@pytest.fixture(scope="module")
def results() -> Results:
    fits = bc.fit("yield ~ 1 + (1 | batch)", "dyestuff", ["lbfgs-ml"], intervals=["profile"])
    return bc.compare(fits, levels=(0.95, 0.5))


def test_a_curve_crosses_a_height_where_its_interval_ends() -> None:
    assert curve().at(1.5) == (pytest.approx(8.5), pytest.approx(11.5))
    low, high = curve(low=-1.0).at(1.5)
    assert (np.isnan(low), high) == (True, pytest.approx(11.5))


def test_the_picture_in_words() -> None:
    alt = profile_panel("k", "sd_g[x]", [curve(low=-1.0)], [(0.5, 0.67), (0.95, 1.96)]).alt
    assert alt.startswith("Profile of sd_g[x]: lbfgs-ml crosses 50 % at 9.33 and 10.7")
    assert "95 % at its bound and 12.0" in alt


def test_the_table_and_the_intervals_are_of_the_same_curve(results: Results) -> None:
    table = results.tables["profiles"]
    assert list(table.columns) == list(TABLES["profiles"])
    kept = results.tables["intervals"]
    kept = kept[kept["kind"] == "profile"].set_index(["parameter", "level"])
    for parameter, rows in table.groupby("parameter"):
        assert rows["deviance"].min() == pytest.approx(results.tables["fits"]["objective"].iloc[0])
        for level, z in ((0.95, 1.959964), (0.5, 0.67449)):
            upper = np.interp(z, rows["zeta"], rows["value"])
            assert kept.loc[(parameter, level), "upper"] == pytest.approx(upper, rel=2e-2)


def test_the_report_shows_a_panel_a_parameter(results: Results) -> None:
    drawings = profiles(Subject(results))
    assert [one.alt.split(":")[0] for one in drawings] == [
        "Profile of beta[Intercept]", "Profile of sd_batch[Intercept]", "Profile of sigma"
    ]  # fmt: skip
    assert "Profiles of the likelihood" in page(results)


def test_without_profiles_there_is_no_such_section(own_html: str) -> None:
    assert "Profiles of the likelihood" not in own_html
