"""Paths of restarts as ArviZ trees: ArviZ's R-hat of one is the fit's own."""

from __future__ import annotations

from dataclasses import replace

import arviz as az
import numpy as np
import pytest

import bayescompare as bc
from bayescompare.errors import InputError
from bayescompare.fits import Path
from bayescompare.fitting import Fits

SLEEP = "reaction ~ 1 + days + (1 + days | subject)"
ADAM = "adam-marginal:steps=300,restarts=3"


@pytest.fixture(scope="module")
def fits() -> Fits:
    return bc.fit(SLEEP, "sleepstudy", [ADAM, "lbfgs-ml"])


def test_a_chain_is_a_restart_and_a_draw_a_step(fits: Fits) -> None:
    fit = fits[ADAM]
    assert fit.path is not None
    posterior = bc.path_tree(fit)["posterior"]
    assert dict(posterior.sizes)["chain"] == 3
    assert list(posterior["draw"].values) == list(fit.path.steps)
    days = posterior["sd_subject"].sel(subject_effect="days")
    place = fit.layout.index("sd_subject[days]")
    assert np.array_equal(days.sel(chain=0), fit.path.values[:, place])
    assert np.array_equal(days.sel(chain=2), fit.restarts[1].values[:, place])
    assert np.array_equal(bc.path_tree(fit)["sample_stats"]["loss"].sel(chain=1), fit.restarts[0].loss)


def test_variables_are_named_as_in_the_trees_of_draws(fits: Fits) -> None:
    posterior = bc.path_tree(fits[ADAM])["posterior"]
    assert {name: posterior[name].dims[2:] for name in posterior.data_vars} == {
        "beta": ("coef",), "sd_subject": ("subject_effect",), "cor_subject": ("subject_pair",), "sigma": (),
    }  # fmt: skip


def test_r_hat_of_the_last_fifth_is_that_of_the_fit(fits: Fits) -> None:
    fit = fits[ADAM]
    found = az.rhat(bc.path_tree(fit, last=0.2), group="unconstrained_posterior")
    largest = max(float(each.max()) for each in found.data_vars.values())
    assert largest == fit.diagnostics["rhat_restarts"]
    whole = az.rhat(bc.path_tree(fit), group="unconstrained_posterior")
    assert max(float(each.max()) for each in whole.data_vars.values()) != pytest.approx(largest, rel=1e-3)


def test_arviz_draws_and_summarises_it(fits: Fits) -> None:
    tree = bc.path_tree(fits[ADAM])
    assert az.summary(tree, kind="diagnostics", ci_kind="eti", ci_prob=0.95).shape[0] == fits[ADAM].layout.size
    assert az.plot_trace(tree, var_names=["sigma"], backend="none") is not None


def test_restarts_of_different_lengths_are_cut_to_the_shortest_from_the_end(fits: Fits) -> None:
    fit = fits[ADAM]
    first = fit.restarts[0]
    shorter = Path(steps=first.steps[:40], values=first.values[:40], loss=first.loss[:40])
    tree = bc.path_tree(replace(fit, restarts=(shorter, fit.restarts[1])))
    assert fit.path is not None
    assert dict(tree["posterior"].sizes)["draw"] == 40
    assert list(tree["posterior"]["draw"].values) == list(range(40))
    assert list(tree["sample_stats"]["step"].sel(chain=0).values) == list(fit.path.steps[-40:])
    assert list(tree["sample_stats"]["step"].sel(chain=1).values) == list(first.steps[:40])


def test_the_search_by_lbfgs_is_one_chain(fits: Fits) -> None:
    tree = bc.path_tree(fits["lbfgs-ml"])
    assert dict(tree["posterior"].sizes)["chain"] == 1
    assert tree["posterior"]["sigma"].values[0, -1] == fits["lbfgs-ml"].estimate[-1]


@pytest.mark.parametrize("last", [0.0, -1.0, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(fits: Fits, last: float) -> None:
    with pytest.raises(InputError, match="share of the path"):
        bc.path_tree(fits[ADAM], last=last)


def test_a_fit_without_a_path_is_refused(fits: Fits) -> None:
    with pytest.raises(InputError, match="has no path"):
        bc.path_tree(replace(fits["lbfgs-ml"], path=None))
