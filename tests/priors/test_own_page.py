"""The page on priors of one's own runs as it stands, block after block, in an empty folder."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.errors import PriorError
from bayescompare.priors import numpy_namespace
from bayescompare.priors.pymc_table import TABLE
from bayescompare.testing import check_prior
from tests.priors.names import as_before, offered

PAGE = (Path(__file__).parents[2] / "docs" / "own-priors.md").read_text("utf-8")
#: (language, text) of each block.
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def named(language: str, part: str) -> str:
    (found,) = [text for kind, text in BLOCKS if kind == language and part in text]
    return found


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """Do what the page says; return the names that its Python defines, and the folder."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "my_priors.py").write_text(named("python", "class Lomax"), "utf-8")
    (folder / "lomax.toml").write_text(named("toml", 'name = "lomax"'), "utf-8")
    scope: dict = {"bc": bc}
    with pytest.MonkeyPatch.context() as patch, as_before():
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        for language, text in BLOCKS:
            if language == "python" and "class Lomax" not in text:
                exec(text, scope)
            for line in text.splitlines() if language == "sh" else ():
                assert main(shlex.split(line)[1:]) == 0, line
    sys.modules.pop("my_priors", None)
    return scope, folder


def test_the_class_is_short():
    lines = [line for line in named("python", "class Lomax").splitlines() if line.strip()]
    assert len(lines[lines.index("@dataclass(frozen=True)") :]) < 15


def test_what_the_page_fits_is_what_it_says(walked):
    scope, folder = walked
    # a density that falls from zero on pulls the sd down; the mean of a skew posterior lies above the mode
    likeliest = scope["fits"]["lbfgs-ml"].estimate[1]
    assert scope["mode"] < likeliest
    assert scope["mode"] < scope["mean"]
    assert repr(scope["model"].own_priors["sd_batch"]) == "Lomax(alpha=1, scale=30)"
    assert "Lomax(alpha=1, scale=30)" in (folder / "dyestuff" / "report.html").read_text("utf-8")
    assert scope["weibull"] == scope["same"]


def test_the_faults_of_the_page_are_those_that_are_said(tmp_path, monkeypatch):
    text = named("python", "class Lomax").replace("xp.log(self.alpha / self.scale)", "xp.log(self.alpha)")
    (tmp_path / "wrong_priors.py").write_text(text.replace("self.scale * rng", "rng"), "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    from wrong_priors import Lomax

    with pytest.raises(PriorError) as refused:
        check_prior(Lomax(1, 30))
    assert f"```\n{refused.value}\n```" in PAGE


def test_the_study_of_the_page(walked):
    _, folder = walked
    results = bc.read_results(folder / "lomax")
    assert len(results.tables["fits"]) == 20
    assert "Lomax(alpha=1, scale=2)" in (folder / "lomax" / "report.html").read_text("utf-8")


def test_the_entry_point_of_the_page(tmp_path, monkeypatch):
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "priors.py").write_text(named("python", "class Lomax"), "utf-8")
    ((name, value),) = re.findall(r'^(\w+) = "(.*)"', named("toml", "entry-points"), re.MULTILINE)
    monkeypatch.syspath_prepend(tmp_path)
    offered(monkeypatch, **{name: value})
    with as_before():
        model = bc.Model("yield ~ 1 + (1 | batch)", priors={"sd_batch": "Lomax(1, 30)"})
        assert bc.fit(model, "dyestuff", "lbfgs-map")["lbfgs-map"].status in ("ok", "flagged")


def test_the_page_lists_the_functions_of_xp():
    (listed,) = re.findall(r"functions of `xp` on `x` and on the fields: (.*?)\. The same", PAGE)
    # sums and stacks are of no use where each value is by itself
    assert set(re.findall(r"`(\w+)`", listed)) == set(vars(numpy_namespace())) - {"sum", "stack"}


def test_what_the_page_says_of_pymc_is_so():
    assert "InverseGamma" in TABLE
    assert "tau" not in TABLE["Normal"].others


def test_the_notebook_has_the_class_of_the_page():
    notebook = (Path(__file__).parents[2] / "notebooks" / "own-prior.ipynb").read_text("utf-8")
    cells = ["".join(cell["source"]) for cell in json.loads(notebook)["cells"]]
    assert f"%%writefile my_priors.py\n{named('python', 'class Lomax').rstrip()}" in cells
