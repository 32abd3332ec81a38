"""Estimators by label."""

from __future__ import annotations

import pytest

from bayescompare.engines.catalog import ESTIMATORS, estimator, estimators, settings, split_labels
from bayescompare.engines.lbfgs.likelihood import LbfgsML, LbfgsREML
from bayescompare.engines.lbfgs.map import LbfgsMAP
from bayescompare.errors import EstimatorError

LABELS = [
    "lbfgs-ml",
    "lbfgs-ml:starts=1",
    "lbfgs-ml:starts=1,coordinates=log-sd",
    "lbfgs-reml:starts=12",
    "lbfgs-map:coordinates=unconstrained",
    "lbfgs-map",
]


@pytest.mark.parametrize("label", LABELS)
def test_labels_come_back(label):
    assert estimator(label).label == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("lbfgs-ml:starts=4", "lbfgs-ml"),
        ("lbfgs-ml:", "lbfgs-ml"),
        (" lbfgs-ml : ".replace(" :", ":"), "lbfgs-ml"),
        ("lbfgs-ml: coordinates = log-sd , starts = 1 ", "lbfgs-ml:starts=1,coordinates=log-sd"),
    ],
)
def test_only_what_differs_from_the_default_is_in_a_label(text, label):
    assert estimator(text).label == label


def test_objects_have_the_same_labels():
    assert LbfgsML(starts=2).label == "lbfgs-ml:starts=2"
    assert estimator("lbfgs-reml") == LbfgsREML()
    assert LbfgsMAP().uses_priors
    assert not LbfgsML().uses_priors
    assert {LbfgsML().engine, LbfgsMAP().engine} == {"lbfgs"}


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("lbfgs-m", "There is no estimator 'lbfgs-m'. Did you mean 'lbfgs-ml'?"),
        ("LBFGS-REML", "Did you mean 'lbfgs-reml'?"),
        ("xyz", "There is no estimator 'xyz'. Known: adam-pooled"),
        ("", "There is no estimator ''."),
        ("lbfgs-ml:start=1", "lbfgs-ml has no setting 'start'. Did you mean 'starts'?"),
        ("lbfgs-ml:starts=many", "starts cannot be 'many'; give a whole number"),
        ("lbfgs-ml:starts=1.5", "starts cannot be '1.5'; give a whole number"),
        ("lbfgs-ml:starts", "starts cannot be 'true'; give a whole number"),
        ("lbfgs-ml:starts=", "starts cannot be ''; give a whole number"),
        ("lbfgs-ml:coordinates=logsd", "coordinates cannot be 'logsd'; give 'cholesky' or 'log-sd'"),
        ("lbfgs-ml:starts=1,starts=2", "starts is given twice"),
        ("lbfgs-ml:starts=0", "starts must be at least 1, not 0"),
    ],
)
def test_labels_that_cannot_be_read(label, message):
    with pytest.raises(EstimatorError) as caught:
        estimator(label)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lbfgs-ml,nuts", ["lbfgs-ml", "nuts"]),
        ("lbfgs-ml:starts=1,coordinates=log-sd,nuts", ["lbfgs-ml:starts=1,coordinates=log-sd", "nuts"]),
        ("nuts, lbfgs-ml:starts=1 , lbfgs-reml:starts=2,", ["nuts", "lbfgs-ml:starts=1", "lbfgs-reml:starts=2"]),
        ("lbfgs-ml:starts=1,lbfgs-ml", ["lbfgs-ml:starts=1", "lbfgs-ml"]),
        ("", []),
    ],
)
def test_commas_belong_to_the_settings_before_them(text, expected):
    assert split_labels(text) == expected


def test_several_estimators_at_once():
    text = "lbfgs-ml:starts=1,coordinates=log-sd,lbfgs-map"
    assert [one.label for one in estimators(text)] == ["lbfgs-ml:starts=1,coordinates=log-sd", "lbfgs-map"]
    assert estimators(["lbfgs-reml:starts=3"]) == [LbfgsREML(starts=3)]


def test_settings_and_their_defaults():
    assert settings("lbfgs-ml") == {"starts": 4, "coordinates": "cholesky"}
    assert all(what for _, what in ESTIMATORS.values())
