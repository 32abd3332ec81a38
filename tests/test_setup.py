"""The set-up itself: locks, the finder of a Python, versions, and what a wheel holds."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = {
    "requirements.lock": [*PROJECT["dependencies"], *EXTRAS["notebooks"], *EXTRAS["docs"], *EXTRAS["dev"]],
    "requirements-bench.lock": [*PROJECT["dependencies"], *EXTRAS["bench"], *EXTRAS["dev"]],
}
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==[0-9][0-9a-z.]*( ; .+)?$")


def find_python(path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the finder with nothing on PATH but ``path`` and an empty home."""
    environment = {"PATH": str(path), "HOME": str(path), **variables}
    script = str(ROOT / "scripts" / "find_python.sh")
    return subprocess.run(
        ["/bin/sh", script], env=environment, cwd=path, capture_output=True, text=True, timeout=60, check=False
    )


def write_old_python(path: Path) -> None:
    """Write a ``python3`` that behaves as Python 3.11: it says so, and fails what asks for more."""
    path.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.11.7' && exit 0\nexit 1\n")
    path.chmod(0o755)


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_pins_and_nothing_else(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    assert [line for line in lines if not PIN.match(line)] == []


@pytest.mark.parametrize(("lock", "requirements"), LOCKS.items())
def test_lock_pins_every_declared_dependency(lock: str, requirements: list[str]) -> None:
    pinned = {match[1] for line in (ROOT / lock).read_text().splitlines() if (match := PIN.match(line))}
    declared = {re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0].lower() for requirement in requirements}
    assert declared - pinned == set()


def test_finder_accepts_this_python_by_name(tmp_path: Path) -> None:
    found = find_python(tmp_path, PYTHON=sys.executable)
    assert found.returncode == 0
    assert Path(found.stdout.strip()).exists()


def test_finder_skips_an_old_python_for_one_of_pyenv(tmp_path: Path) -> None:
    write_old_python(tmp_path / "python3")
    folder = tmp_path / "a root" / "versions" / "3.13.0" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (folder / "python").chmod(0o755)
    assert find_python(tmp_path, PYENV_ROOT=str(tmp_path / "a root")).returncode == 0


@pytest.mark.parametrize("variables", [{}, {"PYTHON": "python3"}], ids=["searched", "named"])
def test_finder_refuses_an_old_python_in_one_sentence(tmp_path: Path, variables: dict[str, str]) -> None:
    write_old_python(tmp_path / "python3")
    refused = find_python(tmp_path, **variables)
    assert refused.returncode != 0
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert "3.12 or 3.13" in refused.stderr


def test_citation_names_the_version_of_the_package() -> None:
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert cited is not None
    assert cited[1] == PROJECT["version"]


def test_python_version_file_is_in_the_supported_range() -> None:
    assert (ROOT / ".python-version").read_text().split() == ["3.13"]


@pytest.mark.slow
def test_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__", ".*", "out", "out-fit", "out-calibration")
    shutil.copytree(ROOT, source, ignore=ignored)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist")]
    subprocess.run(command, cwd=source, check=True, capture_output=True, env={**os.environ, "PIP_NO_INDEX": "1"})
    (wheel,) = (tmp_path / "dist").glob("bayescompare-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("bayescompare/")}
    package = source / "bayescompare"
    assert held == {path.relative_to(source).as_posix() for path in package.rglob("*") if path.is_file()}
    assert {"bayescompare/py.typed", "bayescompare/datasets/sleepstudy.csv"} <= held


def test_the_typed_stub_names_what_the_package_offers():
    import bayescompare

    stub = (ROOT / "bayescompare" / "__init__.pyi").read_text()
    named = set(re.findall(r"(?: as |^)([a-zA-Z]\w+)(?:$| = )", stub, re.MULTILINE))
    assert named | {"__version__"} == set(bayescompare.__all__)
    assert all(getattr(bayescompare, name) is not None for name in bayescompare.__all__)
