"""What the pages show runs as it stands, page by page, each in a folder of its own."""

from __future__ import annotations

import contextlib
import io
import re

import pytest
import typer

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.cli.app import app
from tests.docs.pages import DOCS, PAGES, Block, blocks, inline_commands

COMMANDS = typer.main.get_command(app).commands
RUN = ["formulas", "from-lme4-bambi-keras", *sorted(f"how-to/{path.stem}" for path in (DOCS / "how-to").glob("*.md"))]
#: Twenty seconds each: two fits with NUTS and Adam, and two thousand refits.
LONG = [pytest.param(name, marks=pytest.mark.slow) for name in ("tutorial", "intervals")]


def run(block: Block, namespace: dict, printed: list[str]) -> None:
    """Run a block in the folder of the process."""
    if block.file:
        with open(block.file, "w", encoding="utf-8") as file:
            file.write(block.text)
    elif block.language == "python" and not block.skipped:
        exec(compile(block.text, "<page>", "exec"), namespace)
    elif block.commands and not block.skipped:
        for command in block.commands:
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                assert main(command) == 0, (command, out.getvalue())
            printed.append(out.getvalue())


@pytest.mark.parametrize("name", [*RUN, *LONG])
def test_the_blocks_of_a_page_run_one_after_another(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace, printed = {"__name__": "page"}, []
    for block in blocks(DOCS / f"{name}.md"):
        run(block, namespace, printed)
        if block.language == "text" and not block.file:
            assert_printed(block.text, printed[-1])


LABORATORY = """
import arviz as az, bayescompare as bc
truth = {"sd_g[Intercept]": 0.5, "sigma": 1}
design = {"formula": "y ~ 1 + (1 | g)", "groups": 8, "rows": 5}
scenario = {"name": "one", **design, "truth": truth, "factors": {"effects": 1}}
rates = ["adam-marginal:lr=0.01,steps=50", "lbfgs-ml"]
results = bc.run_study(bc.Study.from_dict({"name": "s", "replicates": 6, "estimators": rates, "scenario": [scenario]}))
bc.write_results(results, "out/")
fits = bc.fit("reaction ~ days + (days | subject)", "sleepstudy", ["adam-marginal:steps=300,restarts=4", "lbfgs-ml"])
fit = fits["adam-marginal:steps=300,restarts=4"]
"""


@pytest.mark.slow
def test_the_blocks_of_the_laboratory_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict = {}
    exec(LABORATORY, namespace)
    for block in blocks(DOCS / "adam.md"):
        run(block, namespace, [])


@pytest.mark.slow
def test_the_first_study_of_the_guide_and_its_python_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study, *_, python = (block for block in blocks(DOCS / "studies.md") if block.language in ("toml", "python"))
    (tmp_path / "my-study.toml").write_text(study.text)
    # a script that asks for two processes is started anew by each
    exec(python.text.replace("workers=2", "workers=1"), {})


def assert_printed(shown: str, printed: str) -> None:
    """Look for the lines that a page shows, numbers aside: those of the sampler differ from machine to machine."""
    lines = {_words(line) for line in printed.splitlines()}
    missing = [line for line in shown.splitlines() if line.strip() not in ("", "...") and _words(line) not in lines]
    assert not missing, (missing, printed)


def _words(line: str) -> str:
    return re.sub(r"[-+]?\d+(\.\d+)?(e[-+]\d+)?", "0", " ".join(line.split()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_has_the_options_that_a_page_gives_it(page):
    for name, *rest in [*inline_commands(page), *(one for block in blocks(page) for one in block.commands)]:
        if name not in ("--version", "COMMAND"):
            known = {option for one in COMMANDS[name].params for option in one.opts}
            given = {part.partition("=")[0] for part in rest if part.startswith("--")}
            assert given <= known, (name, given - known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_names_of_python_in_the_text_exist(page):
    named = set(re.findall(r"`bc\.(\w+)", page.read_text("utf-8")))
    assert named <= set(bc.__all__), named - set(bc.__all__)
