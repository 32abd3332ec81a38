"""The page on priors: what it shows runs, and it leaves nothing out."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path

import pytest

import bayescompare as bc
from bayescompare.priors import SETS, named, numpy_namespace, parse_prior
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
    first, own = blocks("python")
    scope: dict[str, object] = {}
    exec(first, scope)
    model = scope["model"]
    faults = Faults()
    (table,) = map(tomllib.loads, blocks("toml"))
    read = STUDY["priors"].read(table["priors"], "priors", faults)
    assert bc.Model(model.formula, priors=read) == model
    assert scope["alone"].priors == {"set": "brms"}
    exec(own, scope)
    prior = scope["model"].own_priors["sd_subject"]
    assert prior == parse_prior("Weibull(2, 50)")
    assert prior.logp(50.0, numpy_namespace()) == pytest.approx(math.log(2 / 50) - 1)
