"""The fits of one data set, by the label of their estimator."""

import pytest

import bayescompare as bc
from bayescompare.errors import InputError, LabelError
from bayescompare.study.rerun import rerun

MODEL = "reaction ~ 1 + days + (1 | subject)"
ASKED = ["lbfgs-ml:starts=4", "lbfgs-reml:starts=1, coordinates=log-sd"]


@pytest.fixture(scope="module")
def fits():
    return bc.fit(MODEL, "sleepstudy", ASKED)


def test_a_fit_is_found_by_the_label_that_was_asked_for(fits):
    assert list(fits) == ["lbfgs-ml", "lbfgs-reml:starts=1,coordinates=log-sd"]
    for asked, label in zip(ASKED, fits, strict=True):
        assert fits[asked] is fits[label]
        assert asked in fits
    assert fits["lbfgs-reml:coordinates=log-sd,starts=1"].estimator == list(fits)[1]
    assert fits.get("lbfgs-ml:starts=9") is None
    assert 3 not in fits


def test_an_unknown_label_lists_the_fits_with_the_nearest(fits):
    with pytest.raises(KeyError) as error:
        fits["lbfgs-mle"]
    assert isinstance(error.value, LabelError)
    assert str(error.value) == (
        "'lbfgs-mle' is not among the fits: lbfgs-ml, lbfgs-reml:starts=1,coordinates=log-sd. Did you mean 'lbfgs-ml'?"
    )
    with pytest.raises(InputError, match="'nuts' is not among the fits"):
        fits["nuts"]


def test_labels_are_read_alike_wherever_a_fit_is_named(fits, tmp_path):
    assert bc.profile(fits, "sigma", estimator=ASKED[0]).estimate == pytest.approx(fits["lbfgs-ml"].estimate[-1])
    found = bc.if_true(fits, tmp_path, replicates=10, truth=ASKED[0], estimators=ASKED)
    assert (found.about["truth"], found.about["done"]) == ("lbfgs-ml", 10)
    one = rerun(tmp_path, scenario="if-true", replicate=3, estimator="lbfgs-ml:starts=4")
    assert one.fit.estimator == "lbfgs-ml"
