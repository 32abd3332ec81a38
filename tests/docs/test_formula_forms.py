"""The tables of formulas in the documentation: each row is typed, and held against what its last column says."""

import re

import numpy as np
import pandas as pd
import pytest

from bayescompare.data import Dataset
from bayescompare.errors import InputError
from bayescompare.model_frame import model_frame
from tests.docs.pages import DOCS

ROW = re.compile(r"^\| (?P<code>`.*?~.*?`) \| (?P<source>[^|]*) \| (?P<answer>accepted|refused: .*) \|$", re.MULTILINE)
LABELS = {"recipe", "crab", "shrimp", "ttt2", "floor", "treatment", "site", "replicate", "block", "sex", "condition"}
GROUPS = {"Subject", "subj", "Batch", "batch", "g", "group", "groupFac", "Animal ID", "county", "Pig", "district"}
NUMBERS = {"Petal.Length", "Reaction", "reaction", "Yield", "yield", "Weight", "log_radon", "distance"}


def rows() -> list[tuple[str, str]]:
    text = (DOCS / "from-lme4-bambi-keras.md").read_text("utf-8").replace(r"\|", "\0")
    found = [(match["code"].strip("`").strip(), match["answer"]) for match in ROW.finditer(text)]
    return [(form.replace("\0", "|"), answer.replace("\0", "|")) for form, answer in found]


def data_for(form: str) -> Dataset:
    """Return 72 rows of all columns that a form may name: labels, groups of several sizes, other numbers."""
    rng, n = np.random.default_rng(5), 72
    frame = pd.DataFrame({name: rng.uniform(1, 9, n) for name in {*re.findall(r"[A-Za-z_]\w*", form), *NUMBERS}})
    for name in LABELS & {*frame}:
        frame[name] = np.resize(["placebo", "drug", "high"], n) if name == "treatment" else rng.choice(["u", "v"], n)
    for name in GROUPS & {*frame, "Animal ID"}:
        frame[name] = np.repeat(np.arange(12), 6)
    frame["week"], frame["a"] = np.resize([1, 2, 3], n), rng.choice([1, 2], n)
    return Dataset(frame=frame.drop(columns=["Intercept"], errors="ignore"), name="trial")


def test_the_tables_have_sixty_forms_of_one_factor_and_some_of_more():
    forms, answers = zip(*rows(), strict=True)
    assert len(set(forms)) == len(forms)
    several = [answer for answer in answers if re.search("Several|proportion|censored", answer)]
    assert (len(forms) - len(several), len(several)) == (60, 8)


@pytest.mark.parametrize(("form", "answer"), rows())
def test_a_form_is_accepted_or_refused_as_the_table_says(form, answer):
    if answer == "accepted":
        assert model_frame(form, data_for(form)).coefs
        return
    with pytest.raises(InputError, match=re.escape(answer.removeprefix("refused: "))):
        model_frame(form, data_for(form))
