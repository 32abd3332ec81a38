"""The page on priors: what it shows runs, and it leaves nothing out."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import bayescompare as bc
from bayescompare.priors import SETS, named
from bayescompare.study.faults import Faults
from bayescompare.study.keys import STUDY

PAGE = (Path(__file__).parents[2] / "docs" / "priors.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def rows(heading: str) -> list[str]:
    """Return the first word in code of each row of the table below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([\w-]+)", section, re.MULTILINE)


def test_every_prior_and_every_set_has_its_row():
    assert sorted(rows("Named priors")) == sorted(named.__all__)
    assert rows("Named sets") == list(SETS)


def test_the_examples_say_the_same():
    (first,) = blocks("python")
    scope: dict[str, object] = {}
    exec(first, scope)
    model = scope["model"]
    faults = Faults()
    (table,) = map(tomllib.loads, blocks("toml"))
    read = STUDY["priors"].read(table["priors"], "priors", faults)
    assert bc.Model(model.formula, priors=read) == model
    assert scope["alone"].priors == {"set": "brms"}
