"""Fault 33: priors of packages that are not what they should be; each is named, and the others go on."""

from __future__ import annotations

import numpy as np
import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.errors import PriorError
from bayescompare.fits import Status
from bayescompare.priors import parse_prior
from bayescompare.priors.names import describe
from bayescompare.testing import check_prior
from tests.priors import plugins
from tests.priors.names import names, offered  # noqa: F401

pytestmark = pytest.mark.usefixtures("names")

ALL = {name: f"tests.priors.plugins:{name}" for name in vars(plugins) if isinstance(vars(plugins)[name], type)}
DYESTUFF = "yield ~ 1 + (1 | batch)"


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    offered(monkeypatch, **ALL, Gone="package_that_is_gone.priors:Gone", Leaves="tests.priors.leaves:Leaves")


def fitted(prior: str, estimators: str = "lbfgs-map,lbfgs-ml", **settings):
    return bc.fit(bc.Model(DYESTUFF, priors={"sd_batch": prior}), "dyestuff", estimators, **settings)


def test_a_sound_one_is_as_good_as_ours():
    found = fitted("Sound(0.02)")["lbfgs-map"].estimate
    ours = bc.fit(bc.Model(DYESTUFF, priors={"sd_batch": "Exponential(0.02)"}), "dyestuff", "lbfgs-map")
    np.testing.assert_array_equal(found, ours["lbfgs-map"].estimate)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ("Raises(1)", r"Raises of entry point 'tests\.priors\.plugins:Raises' cannot be computed: AttributeError: "
                      r"'Raises' object has no attribute 'rat'.*plugins\.py, line \d+"),
        ("Summed(1)", r"Summed of entry point 'tests\.priors\.plugins:Summed' has the shape \(\) for values of the "
                      r"shape \(3,\): logp works on each value by itself"),
        ("Gone(1)", r"'Gone' of entry point 'package_that_is_gone\.priors:Gone' cannot be used: ModuleNotFoundError: "
                    r"No module named 'package_that_is_gone'"),
        ("Unfinished()", r"'Unfinished' of entry point 'tests\.priors\.plugins:Unfinished' cannot be used: "
                         r"Unfinished has no draw\(self, rng, shape\); write it\. Unfinished is not a frozen"),
    ],
)  # fmt: skip
def test_fault_33_nothing_is_fitted_and_the_entry_point_is_named(prior, message):
    with pytest.raises(PriorError, match=message):
        fitted(prior)


@pytest.mark.parametrize("prior", ["Nothing(1)", "NotANumber(1)"])
def test_fault_33_no_density_where_the_data_are(prior):
    fits = fitted(prior)
    assert fits["lbfgs-ml"].status is Status.OK
    assert fits["lbfgs-map"].status is Status.FAILED
    assert "the prior density is not finite near the data for sd_batch[Intercept] at" in fits["lbfgs-map"].message
    assert prior in fits["lbfgs-map"].message


def test_fault_33_one_estimator_cannot_use_it_and_the_others_go_on():
    fits = fitted("NumpyOnly(1)", "nuts,lbfgs-map,lbfgs-ml")
    assert fits["lbfgs-map"].estimate[1] < fits["lbfgs-ml"].estimate[1]
    assert fits["nuts"].status is Status.FAILED
    assert "NumpyOnly of entry point 'tests.priors.plugins:NumpyOnly' cannot be computed" in fits["nuts"].message
    assert "must use functions of xp alone" in fits["nuts"].message


def test_fault_33_a_slow_one_is_ended_by_the_limit_and_warned_of():
    fits = fitted("Slow(1)", time_limit=0.2)
    assert fits["lbfgs-map"].status is Status.TIMEOUT
    assert fits["lbfgs-ml"].status is Status.OK
    with pytest.warns(UserWarning, match=r"Slow\(1\) is slow: logp takes [\d.]+ ms, \d+ times as long as HalfNormal's"):
        check_prior(plugins.Slow(1))


def test_fault_33_draws_that_fail_are_named():
    scenario = bc.Scenario(
        name="s", formula="y ~ 1 + (1 | g)", design=bc.Design(groups=5, rows=3), truth={"sd_g": "Raises(1)", "sigma": 1}
    )
    with pytest.raises(
        bc.BayesCompareError, match=r"Raises of entry point 'tests\.priors\.plugins:Raises' cannot be drawn from"
    ):
        bc.simulate(scenario, 0, 1)


def test_fault_33_a_name_is_taken_once(monkeypatch):
    offered(monkeypatch, HalfNormal="tests.priors.plugins:Sound", Other="tests.priors.plugins:Sound")
    assert parse_prior("HalfNormal(2)") == bc.HalfNormal(2)
    with pytest.raises(PriorError, match=r"'Other' of entry point .* cannot be used: the class is Sound"):
        parse_prior("Other(2)")


def test_fault_33_two_packages_offer_one_name(monkeypatch):
    from importlib.metadata import EntryPoint

    from bayescompare import registry

    values = ("tests.priors.plugins:Sound", "another.package:Sound")
    points = [EntryPoint(name="Sound", value=value, group="bayescompare.priors") for value in values]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    with pytest.raises(PriorError, match=r"offered by entry point 'tests.*' and entry point 'another\.package:Sound'"):
        parse_prior("Sound(2)")


def test_fault_33_the_list_names_what_is_broken_and_goes_on(capsys):
    assert main(["list", "priors"]) == 0
    listed = " ".join(capsys.readouterr().out.split())
    assert "HalfNormal" in listed
    assert "Sound (rate) Exponential." in listed
    assert "of entry point 'package_that_is_gone.priors:Gone' cannot be used" in listed
    assert "of entry point" in describe("Gone")
