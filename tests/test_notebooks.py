from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

#: What each must have printed.
SAID = {
    "adam": "oscillating",
    "arviz-tree": "the same draws: True",
    "own-prior": "draw does not follow logp",
    "quickstart": "premature",
    "study": "Did you mean 'lbfgs-reml'?",
}
NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_top_to_bottom(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "strip the outputs before committing"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert (tmp_path / f"{path.stem}.html").stat().st_size > 50_000
    printed = [output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any(SAID[path.stem] in text for text in printed)
