"""Notebooks, executed once for their content and that of the package, as pages of the site."""

import fcntl
import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"
_SECONDS = 300
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# The pages of the site lie one folder above those of the notebooks, as docs/ does beside notebooks/.
_TO_DOCS = re.compile(r"\]\(\.\./docs/")


def executed(path: Path, cache: Path) -> tuple[Any, Path]:
    """Return a notebook with its outputs, and the folder in which it ran and left its files.

    It is run where the cache has no run of the same cells by the same package; of several processes one runs it.
    """
    import nbformat

    folder = cache / f"{path.stem}-{_digest(path)}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{path.stem}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "executed.ipynb").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            nbformat.write(_run(path, folder), folder / "executed.ipynb")
    return nbformat.read(folder / "executed.ipynb", as_version=4), folder


def _digest(path: Path) -> str:
    """Return a hash of a notebook and of every source that it may use."""
    sources = sorted((ROOT / "bayescompare").rglob("*.py"))
    return hashlib.sha256(b"".join(one.read_bytes() for one in (path, *sources))).hexdigest()[:16]


def _run(path: Path, folder: Path) -> Any:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=_SECONDS, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def page_of(notebook: Any) -> str:
    """Return an executed notebook as MyST Markdown."""
    return "\n\n".join(part for cell in notebook.cells for part in _parts(cell))


def _parts(cell: Any) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield _TO_DOCS.sub("](../", cell.source)
        return
    yield _fenced("python", cell.source)
    for output in cell.outputs:
        yield _shown(output)


def _shown(output: Any) -> str:
    """Return an output: text as it was printed, tables as they were shown; not what went to stderr."""
    if output.output_type == "stream":
        return _fenced("text", output.text) if output.name == "stdout" else ""
    if output.output_type == "error":
        return _fenced("text", f"{output.ename}: {output.evalue}")
    table = re.search(r'<table[^>]* class="dataframe".*</table>', output.data.get("text/html", ""), re.DOTALL)
    if table:
        return f'```{{raw}} html\n<div class="output-table">{table[0].replace(' border="1"', "")}</div>\n```'
    return _fenced("text", output.data.get("text/plain", ""))


def _fenced(language: str, text: str) -> str:
    """Return text between fences that are longer than any in it."""
    plain = _ANSI.sub("", text).strip("\n")
    longest = max((len(run) for run in re.findall("`{3,}", plain)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{plain}\n{fence}"


def _written(app: Sphinx, name: str, content: list[str]) -> None:
    """Put a notebook in the place of the page that names it."""
    folder, _, stem = name.rpartition("/")
    if folder == "notebooks" and stem != "index":
        cache = Path(app.config.notebook_cache or Path(app.outdir).parent / "notebooks")
        content[0] = page_of(executed(FOLDER / f"{stem}.ipynb", cache)[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Read notebooks where pages name them."""
    app.add_config_value("notebook_cache", "", "")
    app.connect("source-read", _written)
    return {"parallel_read_safe": True}
