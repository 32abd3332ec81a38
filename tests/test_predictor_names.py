"""Any column can be a predictor or the response; only grouping columns have reserved names."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.data import Dataset
from bayescompare.formula import parse
from bayescompare.model_frame import model_frame

ODD = [
    "dose (mg/L)",
    "a/b",
    "x[1], z",
    "2nd",
    "with space",
    "größe µ",
    "_private",
    "None",
    "TRUE",
    "a:b",
    "y ~ x",
    "#1",
]
PLAIN = [
    "sample",
    "chain",
    "draw",
    "coef",
    "obs",
    "beta",
    "sigma",
    "class",
    "lambda",
    "import",
    "Petal.Length",
    "größe",
]
DOSE = "dose (mg/L)"


def frame_of(names: list[str]) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(8), 6)
    columns = {name: rng.normal(size=48) for name in names}
    return pd.DataFrame({**columns, "y": rng.normal(size=48) + groups / 3, "g": groups})


@pytest.mark.parametrize("name", [*ODD, *PLAIN])
def test_a_predictor_keeps_its_name_in_labels(name):
    written = name if name in PLAIN else f"`{name}`"
    data = Dataset(frame=frame_of([name]), name="trial")
    frame = model_frame(f"y ~ {written} + log(abs({written}) + 1) + (1 + {written} | g)", data)
    assert frame.coefs == ("Intercept", name, f"log(abs({name}) + 1)")
    assert frame.layout.labels[3:6] == ("sd_g[Intercept]", f"sd_g[{name}]", f"cor_g[Intercept, {name}]")
    np.testing.assert_array_equal(frame.X[:, 1], data.frame[name])


@pytest.mark.parametrize("name", [*ODD, *PLAIN])
def test_a_formula_prints_as_it_was_typed_and_reads_the_same(name):
    text = f"`{name}` ~ `{name} 2` + (1 + `{name} 2` || g)"
    formula = parse(text)
    assert str(formula) == text
    assert parse(str(formula)) == formula
    assert formula.response_name == name


@pytest.mark.parametrize(
    ("name", "variable"), [("a/b", "a_b"), ("chain", "chain_"), ("obs", "obs_"), ("g_effect", "g_effect_")]
)
def test_a_response_with_the_name_of_a_dim_or_a_slash_is_in_the_tree(name, variable):
    data = frame_of([]).rename(columns={"y": name})
    found = bc.prior_predictive(bc.Model(f"`{name}` ~ 1 + (1 | g)"), data, draws=20)
    assert list(found.tree["observed_data"].data_vars) == [variable]
    assert list(found.tree["prior_predictive"].data_vars) == [variable]


@pytest.fixture
def doses(tmp_path, monkeypatch) -> str:
    """A file with a slash and brackets in a column's name, as users have."""
    monkeypatch.chdir(tmp_path)
    frame = frame_of([DOSE]).assign(treatment=np.resize(["TAU", "BtheB"], 48))
    frame.to_csv("doses.csv", index=False)
    return "doses.csv"


def test_fit_by_the_command_line_with_a_prior_and_contours_of_an_odd_name(doses, capsys):
    labels = f"beta[{DOSE}]"
    formula = f"y ~ `{DOSE}` + treatment + (1 | g)"
    command = ["fit", doses, formula, "--estimators", "lbfgs-ml", "--prior", f"{labels}=Normal(0, 5)"]
    assert main([*command, "--contours", f"{labels},sigma", "--out", "out"]) == 0
    assert labels in capsys.readouterr().out
    assert labels in set(bc.read_results("out").table["parameter"])
    assert DOSE in Path("out/report.html").read_text("utf-8")


def test_a_pair_of_parameters_with_commas_in_their_names_is_read(doses):
    columns = [f"beta[poly({DOSE}, 2)[0]]", "sd_g[Intercept]"]
    command = ["fit", doses, f"y ~ poly(`{DOSE}`, 2) + (1 | g)", "--estimators", "lbfgs-ml", "--out", "out"]
    assert main([*command, "--contours", ", ".join(columns)]) == 0


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (f"beta[{DOSE}]", f"beta[{DOSE}]=Normal(0, 5)"),
        ("beta[ns(x, df=3)[0]]", "beta[ns(x, df=3)[0]] = Normal(mu=0, sigma=5)"),
        ("sd_g", "sd_g=HalfNormal(sigma=2)"),
        ("beta[I(x == 2)]", "beta[I(x == 2)]=Normal(0, 5)"),
    ],
)
def test_a_prior_is_typed_for_any_label(key, text):
    from bayescompare.comparison.alternatives import alternatives
    from bayescompare.priors import parse_assignment

    assert parse_assignment(text)[0] == key
    assert next(iter(alternatives([text], bc.Model("y ~ x")).values())).own_priors.keys() == {key}


@pytest.mark.slow
def test_draws_have_odd_names_in_their_tree(tmp_path):
    az = pytest.importorskip("arviz")
    model = bc.Model(f"`y/1` ~ `{DOSE}` + sample + class + (1 + `{DOSE}` | g)")
    data = frame_of([DOSE, "sample", "class"]).rename(columns={"y": "y/1"})
    tree = bc.compare(bc.fit(model, data, ["nuts:draws=200,tune=200"], seed=1)).tree
    assert list(az.summary(tree).index[:3]) == ["beta[Intercept]", f"beta[{DOSE}]", "beta[sample]"]
    tree.to_netcdf(tmp_path / "tree.nc")
    assert list(tree["posterior_predictive"].data_vars) == ["y_1"]
