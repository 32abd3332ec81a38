import importlib
from pathlib import Path

import nbformat
import pytest

#: What each must have printed.
SAID = {
    "adam": "oscillating",
    "arviz-tree": "the same draws: True",
    "own-prior": "draw does not follow logp",
    "quickstart": "premature",
    "study": "Did you mean 'lbfgs-reml'?",
}
ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def pages(monkeypatch):
    """Return what makes pages of the site of notebooks; the site's own tests take the same runs of them."""
    monkeypatch.syspath_prepend(ROOT / "docs" / "_extension")
    return importlib.import_module("notebook_pages")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_top_to_bottom(path, pages, shared):
    stripped = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in stripped.cells), "strip the outputs before committing"
    notebook, folder = pages.executed(path, shared / "notebooks")
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in stripped.cells]
    assert (folder / f"{path.stem}.html").stat().st_size > 50_000
    printed = [output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any(SAID[path.stem] in text for text in printed)
    assert SAID[path.stem] in pages.page_of(notebook)


def test_a_notebook_is_run_again_where_its_cells_have_changed(pages, tmp_path):
    path = tmp_path / "one.ipynb"
    cells = [nbformat.v4.new_markdown_cell("# [a](../docs/plots.md)"), nbformat.v4.new_code_cell("")]
    given = nbformat.v4.new_notebook(cells=cells)
    for text in ("1 + 1", "1 + 1", "1 + 2"):
        given.cells[1].source = f"print({text})"
        nbformat.write(given, path)
        notebook, _ = pages.executed(path, tmp_path / "cache")
    assert len(list((tmp_path / "cache").glob("one-*"))) == 2
    page = pages.page_of(notebook)
    assert page == "# [a](../plots.md)\n\n```python\nprint(1 + 2)\n```\n\n```text\n3\n```"


def test_what_a_notebook_printed_stays_text(pages):
    output = nbformat.v4.new_output("stream", text="\x1b[31m```\n# no heading <b>\x1b[0m\n")
    cell = nbformat.v4.new_code_cell("x", outputs=[output, nbformat.v4.new_output("stream", name="stderr", text="5 s")])
    found = pages.page_of(nbformat.v4.new_notebook(cells=[cell]))
    assert "````text\n```\n# no heading <b>\n````" in found
    assert "5 s" not in found
