"""Priors of one's own file: how they are loaded, and what is said of files that cannot be."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.engines.adam.elbo import AdamElbo
from bayescompare.engines.adam.marginal import AdamMarginal
from bayescompare.engines.nuts.compile import structure
from bayescompare.errors import PriorError
from bayescompare.likelihood.problem import build_problem
from bayescompare.priors import numpy_namespace, parse_prior
from bayescompare.priors.names import available, describe
from bayescompare.priors.own import file_of
from tests.priors.names import HEAD, LOMAX, names, offered, written  # noqa: F401

pytestmark = pytest.mark.usefixtures("names")

DYESTUFF = "yield ~ 1 + (1 | batch)"


def test_every_class_of_a_file_is_known_by_its_name(tmp_path):
    other = LOMAX.replace("Lomax", "Other")
    base = "class Base(bc.Prior):\n    pass\n\n\n"
    path = written(tmp_path, HEAD + "from bayescompare import HalfNormal\n\n\n" + base + LOMAX + "\n\n" + other)
    path.write_text(path.read_text().replace("class Other(bc.Prior)", "class Other(Base)"))
    loaded = bc.load_priors(path)
    assert sorted(loaded.classes) == ["Lomax", "Other"]
    prior = parse_prior("Lomax(2, scale=30)")
    assert repr(prior) == "Lomax(alpha=2, scale=30)"
    assert describe("Lomax") == "(alpha, scale)  Generalised Pareto distribution from zero on."
    assert file_of(type(prior)) == loaded
    assert pickle.loads(pickle.dumps(prior)) == prior
    assert "Base" not in set(available())


@pytest.mark.parametrize("above", ["@bc.register_prior\n", ""])
def test_a_file_that_was_edited_is_loaded_anew(tmp_path, above):
    path = written(tmp_path, HEAD + above + LOMAX)
    bc.load_priors(path)
    first = parse_prior("Lomax(2)")
    assert type(bc.load_priors(path).classes["Lomax"](2)) is type(first)
    written(tmp_path, HEAD + above + LOMAX.replace("xp.log(self.alpha", "7 + xp.log(self.alpha"))
    bc.load_priors(path)
    second = parse_prior("Lomax(2)")
    assert second != first
    assert second.logp(1.0, numpy_namespace()) == pytest.approx(7 + first.logp(1.0, numpy_namespace()))
    # what the file no longer defines is no longer known
    written(tmp_path, HEAD + LOMAX.replace("Lomax", "Renamed"))
    bc.load_priors(path)
    with pytest.raises(PriorError, match="There is no prior named 'Lomax'"):
        parse_prior("Lomax(2)")


def test_a_class_of_a_script_is_registered_alone():
    scope: dict = {"__name__": __name__}
    exec(HEAD + "@bc.register_prior\n" + LOMAX, scope)
    assert parse_prior("Lomax(2)") == scope["Lomax"](2)
    with pytest.raises(PriorError, match="'Lomax' is already registered"):
        exec(HEAD + "@bc.register_prior\n" + LOMAX, scope)


NOT = LOMAX.replace("@dataclass(frozen=True)\n", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class X(:\n", r"my_priors\.py, line 1: this is not Python: invalid syntax"),
        ("x = 1\n\n1 / 0\n", r"my_priors\.py, line 3: the file cannot be run: ZeroDivisionError: division by zero"),
        ("def f():\n    raise SystemExit(3)\n\nf()\n", r"line 2: the file cannot be run: SystemExit: 3"),
        ("import no_such_package\n", r"line 1: the file cannot be run: ModuleNotFoundError: No module named 'no_such"),
        ("x = 1\n", r"defines no prior: write a class that begins with class Name\(bayescompare\.Prior\)"),
        (HEAD + "from bayescompare import HalfNormal\n", "defines no prior"),
        (HEAD + LOMAX.replace("Lomax", "HalfNormal"), r"the name HalfNormal is taken by bayescompare; rename"),
        (HEAD + LOMAX.replace("Lomax", "Plugged"), r"the name Plugged is taken by entry point 'a\.b:Plugged'; rename"),
        (HEAD + LOMAX.replace("def draw", "def drow"), r"Lomax has no draw\(self, rng, shape\); write it"),
        (HEAD + LOMAX.replace("frozen=True", ""), r"non-frozen dataclass.*Write @dataclass\(frozen=True\)"),
        (HEAD + NOT, r"Lomax is not a frozen dataclass: write @dataclass\(frozen=True\) above it"),
        (HEAD + LOMAX.replace('"positive"', '"positiv"'), r"no support 'positiv'\. Did you mean 'positive'\?"),
        (HEAD + LOMAX.replace("support =", "support: str ="), r"Write support = \.\.\. without a type"),
        (
            HEAD + LOMAX.replace("alpha: float", "alpha: float = 1").replace("support =", "support: str ="),
            "support is no number of the prior",
        ),
        (
            HEAD + LOMAX.replace('("alpha", "scale")', '("alpa",)'),
            r"names 'alpa', which is no field\. Did you mean 'alpha",
        ),
        (
            HEAD + LOMAX.replace('("alpha", "scale")', '("alpha")'),
            r"must be a tuple of names, such as \('alpha',\), not",
        ),
        (HEAD + LOMAX + "\n    def __repr__(self):\n        return 'x'\n", r"has a __repr__ of its own: leave it out"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path, monkeypatch, capsys, text, message):
    offered(monkeypatch, Plugged="a.b:Plugged")
    path = written(tmp_path, text)
    arguments = ["fit", "dyestuff", DYESTUFF, "--priors-from", str(path), "--out", str(tmp_path / "out")]
    with pytest.raises(PriorError, match=message) as refused:
        bc.load_priors(path)
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"Error: {refused.value}\n"
    assert str(path) in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_all_that_is_wrong_with_a_class_is_said_at_once(tmp_path):
    text = (
        NOT.replace("def draw", "def drow").replace('"positive"', '"positiv"').replace('("alpha", "scale")', '"alpha"')
    )
    with pytest.raises(PriorError) as refused:
        bc.load_priors(written(tmp_path, HEAD + text))
    assert len(str(refused.value).splitlines()) == 5, refused.value


def test_files_that_are_none(tmp_path):
    with pytest.raises(PriorError, match=r"There is no file .*nothing\.py to read priors from"):
        bc.load_priors(tmp_path / "nothing.py")
    with pytest.raises(PriorError, match="Cannot read priors from"):
        bc.load_priors(tmp_path)
    (tmp_path / "my_priors.py").write_bytes(b"x = '\xff'\n")
    with pytest.raises(PriorError, match=r"is not UTF-8 text \(byte 5\)"):
        bc.load_priors(tmp_path / "my_priors.py")


def test_two_files_cannot_have_one_name(tmp_path):
    bc.load_priors(written(tmp_path))
    with pytest.raises(PriorError, match=r"other\.py: the name Lomax is taken by .*my_priors\.py; rename the class"):
        bc.load_priors(written(tmp_path, HEAD + LOMAX + "\n# another\n", "other.py"))


def test_a_name_that_nobody_has_says_how_to_bring_it():
    with pytest.raises(PriorError, match=r"One of your own comes from a file: --priors-from FILE\.py"):
        parse_prior("Lomax(2)")


def modes(*estimators: str) -> list[float]:
    model = bc.Model(DYESTUFF, priors={"sd_batch": "Lomax(1, 300)"})
    fits = bc.fit(model, "dyestuff", list(estimators), seed=4)
    return [float(fits[label].estimate[1]) for label in estimators]


#: A density, the same but for its tail, and one that differs in the twelfth digit of one number.
EDITED = LOMAX.replace("(self.alpha + 1)", "(self.alpha + 15)")


def test_an_edited_density_is_the_one_that_is_fitted(tmp_path):
    bc.load_priors(written(tmp_path))
    before, kept = modes("lbfgs-map"), compiled_parts()
    bc.load_priors(written(tmp_path, HEAD + EDITED))
    after, other = modes("lbfgs-map"), compiled_parts()
    # 14 more powers pull the sd down
    assert 0 < after[0] < 0.9 * before[0]
    assert all(one != another for one, another in zip(kept, other, strict=True))
    bc.load_priors(written(tmp_path))
    assert modes("lbfgs-map") == before
    assert compiled_parts() == kept


def compiled_parts() -> list:
    """Return what the compiled code of NUTS and of Adam is kept by."""
    model = bc.Model(DYESTUFF, priors={"sd_batch": "Lomax(1, 300)"})
    problem = build_problem(model, bc.load_dataset("dyestuff"))
    found = [structure(problem, "marginal")]
    for engine in (AdamMarginal(map=True), AdamElbo()):
        found.append(engine.objective(engine.member(problem)))
    return found


@pytest.mark.slow
def test_an_edited_density_is_the_one_that_every_estimator_fits_in_the_same_process(tmp_path):
    estimators = ("lbfgs-map", "adam-marginal:map", "adam-elbo", "nuts:draws=200,tune=200")
    bc.load_priors(written(tmp_path))
    before = modes(*estimators)
    bc.load_priors(written(tmp_path, HEAD + EDITED))
    after = modes(*estimators)
    bc.load_priors(written(tmp_path))
    assert all(0 < new < 0.93 * old for old, new in zip(before, after, strict=True))
    assert modes(*estimators) == before


SCRIPT = """
import sys
import numpy as np
import bayescompare as bc
from bayescompare.engines.nuts.compile import compiled_for
from bayescompare.likelihood.problem import build_problem

bc.load_priors(sys.argv[1])
model = bc.Model("yield ~ 1 + (1 | batch)", priors={"sd_batch": "Lomax(1, 3)"})
compiled = compiled_for(build_problem(model, bc.load_dataset("dyestuff")), "marginal")
print(repr(float(compiled.logp_func(np.zeros(3))[0])))
"""


def density_in_a_new_process(path: Path, folder: Path) -> float:
    command = [sys.executable, "-c", SCRIPT, str(path)]
    environment = {**os.environ, "PYTENSOR_FLAGS": f"base_compiledir={folder / 'compiled'}"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout)


@pytest.mark.slow
def test_an_edited_density_is_the_one_that_is_compiled_in_a_new_process(tmp_path):
    path = written(tmp_path)
    first = density_in_a_new_process(path, tmp_path)
    assert density_in_a_new_process(path, tmp_path) == first
    powers, found = np.array([1, 1 + 1e-9, 1.5, 2]), []
    for power in powers:
        written(tmp_path, HEAD + LOMAX.replace("(self.alpha + 1)", f"(self.alpha + {power})"))
        found.append(density_in_a_new_process(path, tmp_path))
    assert found[0] == first
    # the density is linear in the power, also where that differs in the tenth digit only
    slopes = np.diff(found) / np.diff(powers)
    assert slopes[0] < -1
    np.testing.assert_allclose(slopes, slopes[2], rtol=1e-4)
