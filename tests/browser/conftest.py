"""Reports, made once and opened from disk in headless Chromium (Debian's package), with no network at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.reporting import report, report_priors
from tests.reporting.hostile import hostile_fit, hostile_grid
from tests.reporting.samples import grid_study, only_failures

NAMES = ("study", "running", "grid", "fit", "calibration", "hostile", "hostile-grid", "failures", "priors")

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def missing(what: str) -> NoReturn:
    """Skip on a machine without a browser; fail there where there must be one."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing: .ci/run installs chromium, and the extra dev the packages", pytrace=False)
    pytest.skip(f"{what} is not installed")


def needed(module: str) -> Any:
    """Return a module of the extra dev."""
    try:
        return import_module(module)
    except ImportError:
        missing(module.partition(".")[0])


@dataclass
class Opened:
    """A page in the browser, and all that it complained of or asked for.

    Parameters
    ----------
    page
        Playwright's.
    """

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Return Chromium, started once."""
    start = needed("playwright.sync_api").sync_playwright
    if _CHROMIUM is None:
        missing("chromium")
    with start() as playwright:
        started = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """Return a report by its name; each is made when it is first asked for."""
    folder, made = tmp_path_factory.mktemp("reports"), {}

    def of(name: str) -> Path:
        if name not in made:
            made[name] = _MAKE[name](folder) if name in _MAKE else _STUDIES[name](request, folder)
        return made[name]

    return of


def _study(request: pytest.FixtureRequest, folder: Path) -> Path:
    """Return the report that the run of the default study wrote."""
    return request.getfixturevalue("default_study") / "report.html"


def _running(request: pytest.FixtureRequest, folder: Path) -> Path:
    """Write the report of the same study, of which two scenarios are done and a third has begun."""
    whole, out = request.getfixturevalue("default_study"), folder / "runs still"
    shutil.copytree(whole, out, ignore=shutil.ignore_patterns("tables", "about.json", "report.html", "[c-f]-*"))
    shutil.copytree(whole / "parts" / "c-correlated-slopes" / "lbfgs-ml", out / "parts/c-correlated-slopes/lbfgs-ml")
    assert main(["report", str(out)]) == 0
    return out / "report.html"


_STUDIES: dict[str, Callable[[pytest.FixtureRequest, Path], Path]] = {"study": _study, "running": _running}


def _fit(folder: Path) -> Path:
    """Write the report of a fit of sleepstudy with draws and a simulation from it."""
    model = bc.Model("reaction ~ 1 + days + (1 + days | subject)")
    fits = bc.fit(model, "sleepstudy", ["lbfgs-ml", "lbfgs-reml", "nuts"], seed=1)
    found = bc.if_true(fits, replicates=12, estimators=["lbfgs-ml", "lbfgs-reml"])
    return report(bc.compare(fits, if_true=found), folder / "fit.html")


def _calibration(folder: Path) -> Path:
    found = bc.calibrate("y ~ 1 + x + (1 | school)", groups=8, rows=4, replicates=24, estimators=["lbfgs-ml"], seed=3)
    return report(found, folder / "calibration.html")


def _priors(folder: Path) -> Path:
    found = bc.prior_predictive(bc.Model("reaction ~ 1 + days + (1 | subject)"), "sleepstudy", draws=200, seed=1)
    return report_priors(found, folder / "priors.html")


_MAKE: dict[str, Callable[[Path], Path]] = {
    "grid": lambda folder: report(
        grid_study({"groups": (5, 10, 20, 40, 80), "rho": (0.0, 0.3, 0.6, 0.8, 0.9)}, replicates=3),
        folder / "grid.html",
    ),
    "fit": _fit,
    "calibration": _calibration,
    "hostile": lambda folder: report(hostile_fit(), folder / "hostile & <b>.html"),
    "hostile-grid": lambda folder: report(hostile_grid(), folder / "hostile grid.html"),
    "failures": lambda folder: report(only_failures(), folder / "failures.html"),
    "priors": _priors,
}


@pytest.fixture(scope="session")
def opened(browser, reports) -> Callable[..., object]:
    """Return how to open a report: ``with opened(name, width=400, dark=True) as one``."""

    @contextmanager
    def open_(
        name: str, *, width: int = 1400, dark: bool = False, javascript: bool = True, media: str = "screen"
    ) -> Iterator[Opened]:
        address = reports(name).as_uri()
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
            offline=True,
            accept_downloads=True,
        )
        context.add_init_script(
            "addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective))"
        )
        one = Opened(context.new_page())
        one.page.set_default_timeout(10_000)
        one.page.on("console", lambda said: one.complaints.append(f"{said.type}: {said.text}"))
        one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
        one.page.on("request", lambda asked: one.requests.append(asked.url))
        one.page.emulate_media(media=media, color_scheme="dark" if dark else "light")
        one.page.goto(address)
        one.requests.remove(address)
        yield one
        context.close()

    return open_
