"""The level that the others of a column are held against: chosen, recorded, and repeated by a simulation."""

import numpy as np
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.data import Dataset
from bayescompare.errors import InputError
from bayescompare.model_frame import model_frame


@pytest.fixture
def data() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    treatment = np.resize(["drug", "placebo", "other"], 60)
    y = rng.normal(size=60) + (treatment == "drug") * 2.0 + np.repeat(rng.normal(size=10), 6)
    return pd.DataFrame(
        {"y": y, "treatment": treatment, "week": np.resize([1, 2, 3, 4], 60), "g": np.repeat(range(10), 6)}
    )


def coefs(formula: str, data: pd.DataFrame, **reference: str) -> tuple[str, ...]:
    return model_frame(formula, Dataset(frame=data, name="trial"), reference=reference).coefs[1:]


def test_the_first_level_is_the_reference_unless_another_is_chosen(data):
    assert coefs("y ~ treatment", data) == ("treatment[other]", "treatment[placebo]")
    assert coefs("y ~ treatment", data, treatment="placebo") == ("treatment[drug]", "treatment[other]")
    assert coefs("y ~ treatment:week", data, treatment="placebo")[0] == "treatment[placebo]:week"
    ordered = data.assign(treatment=pd.Categorical(data["treatment"], ["other", "placebo", "drug"]))
    assert coefs("y ~ treatment", ordered) == ("treatment[placebo]", "treatment[drug]")
    assert coefs("y ~ treatment", ordered, treatment="drug") == ("treatment[other]", "treatment[placebo]")


@pytest.mark.parametrize("term", ["C({}, 'b')", "C({}, Treatment('b'))", "T({}, ref='b')", 'relevel({}, ref = "b")'])
def test_a_level_in_the_formula_does_the_same_with_a_short_label(data, term):
    called = term.partition("(")[0]
    written = term.format("treatment").replace("'b'", "'placebo'").replace('"b"', '"placebo"')
    assert coefs(f"y ~ {written}", data) == (f"{called}(treatment)[drug]", f"{called}(treatment)[other]")


def test_numbers_that_are_labels_have_a_reference_in_the_formula(data):
    assert coefs("y ~ C(week, 3)", data) == ("C(week)[1]", "C(week)[2]", "C(week)[4]")
    assert coefs("y ~ relevel(factor(week), ref = 2)", data)[0] == "relevel(factor(week))[1]"
    assert coefs("y ~ factor(week, levels = c(4, 3, 2, 1))", data) == tuple(f"factor(week)[{k}]" for k in (3, 2, 1))


def test_two_contrasts_of_one_column_are_told_apart(data):
    with pytest.raises(InputError, match="have the same name"):
        coefs("y ~ C(treatment, 'drug') + C(treatment, 'placebo')", data)


def test_another_reference_moves_the_estimates_and_not_the_likelihood(data):
    model = bc.Model("y ~ treatment + (1 | g)", reference={"treatment": "placebo"})
    fits, usual = (bc.fit(each, data, ["lbfgs-ml"]) for each in (model, "y ~ treatment + (1 | g)"))
    one, other = (each["lbfgs-ml"] for each in (fits, usual))
    assert one.objective == pytest.approx(other.objective, abs=1e-7)
    drug = one.estimate[one.layout.index("beta[treatment[drug]]")]
    placebo = other.estimate[other.layout.index("beta[treatment[placebo]]")]
    assert drug == pytest.approx(-placebo, abs=1e-5)


def test_the_choice_is_recorded_and_repeated_by_a_simulation(data, tmp_path):
    model = bc.Model("y ~ treatment + (1 | g)", reference={"treatment": "placebo"})
    fits = bc.fit(model, data, ["lbfgs-ml"])
    results = bc.compare(fits)
    assert results.about["reference"] == {"treatment": "placebo"}
    bc.report(results, tmp_path / "report.html")
    assert "treatment=placebo" in (tmp_path / "report.html").read_text("utf-8")
    assert bc.prior_predictive(model, data, draws=20).tree.attrs["reference"] == "treatment=placebo"
    found = bc.if_true(fits, replicates=10)
    assert {"beta[treatment[drug]]", "beta[treatment[other]]"} < set(found.results.tables["estimates"]["parameter"])


def test_the_command_line_takes_a_reference(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data.to_csv("d.csv", index=False)
    formula = "y ~ treatment + (1 | g)"
    assert main(["fit", "d.csv", formula, "--estimators", "lbfgs-ml", "--reference", "treatment=placebo"]) == 0
    assert bc.read_results("out-fit").about["reference"] == {"treatment": "placebo"}
    assert main(["priors", formula, "d.csv", "--reference", "treatment=placebo", "--draws", "20"]) == 0
    assert capsys.readouterr().out.count("beta[treatment[drug]]") >= 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["treatment"], "write a column and its level: treatment=placebo"),
        (["treatment="], "write a column and its level"),
        (["treatment=drug", "treatment=other"], "gives 'treatment' two levels, 'drug' and 'other'"),
        (["treatment=drog"], "'drog' is no level of 'treatment'. Did you mean 'drug'?"),
        (["treatmnt=drug"], "Did you mean 'treatment'?"),
    ],
)
def test_a_reference_that_cannot_be_used_is_refused_in_a_sentence(data, tmp_path, monkeypatch, capsys, given, said):
    monkeypatch.chdir(tmp_path)
    data.to_csv("d.csv", index=False)
    options = [part for each in given for part in ("--reference", each)]
    assert main(["fit", "d.csv", "y ~ treatment + (1 | g)", *options]) == 2
    assert said in capsys.readouterr().err


def test_a_calibration_has_no_levels_of_reference():
    with pytest.raises(InputError, match="no levels of reference"):
        bc.calibrate(bc.Model("y ~ x + (1 | g)", reference={"x": "a"}), "never")


def test_a_reference_is_a_table():
    with pytest.raises(InputError, match="reference maps columns to levels"):
        bc.Model("y ~ x", reference="x=a")
