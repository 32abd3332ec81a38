"""Results made by hand, and a page taken apart: no engine, no browser."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import product

import numpy as np
import xarray as xr

from bayescompare.comparison.records import Record
from bayescompare.comparison.results import Results, results_of
from bayescompare.comparison.verdicts import Contrast
from bayescompare.fits import Draws, Fit, Flag, Path, RandomEffects, Status
from bayescompare.layout import Layout

LAYOUT = Layout(coefs=("Intercept", "x"), factor="g", blocks=(("Intercept", "x"),), levels=("1", "2", "3"))
TRUTH = np.array([0.0, 2.0, 1.0, 0.7, 0.3, 1.0])
POINTS = ("adam-pooled", "adam-marginal:lr=0.01,batch=3", "adam-marginal", "lbfgs-ml", "lbfgs-reml")


def point(label: str, rng: np.random.Generator, layout: Layout = LAYOUT) -> Fit:
    """Return a fit near the truth, with a path for Adam and nothing but beta and sigma for a pooled fit."""
    k, pooled = layout.size, label == "adam-pooled"
    estimate, se = TRUTH[:k] + 0.1 * rng.normal(size=k), np.full(k, 0.1)
    reason = [""] * k
    estimand = ["ML mode"] * k
    if pooled:
        missing = range(layout.p, k - 1)
        estimand = ["least squares"] * (k - 1) + ["sqrt(tau^2 + sigma^2)"]
        for j in missing:
            estimate[j] = se[j] = np.nan
            reason[j], estimand[j] = "groups are ignored", ""
    optimum = np.where(np.isfinite(estimate), TRUTH[:k], np.nan)
    path = None
    if label.startswith("adam"):
        shares = np.linspace(0, 1, 20)[:, None]
        path = Path(steps=np.arange(20) * 10, values=shares * estimate, loss=100 * np.exp(-5 * shares[:, 0]))
    return Fit(
        estimator=label,
        layout=layout,
        status=Status.FLAGGED if pooled else Status.OK,
        flags=(Flag.PREMATURE,) if pooled else (),
        estimate=estimate,
        se=se,
        estimand=tuple(estimand),
        reason=tuple(reason),
        objective=123.4567,
        gap_deviance=0.02,
        gap_sd=0.3 if pooled else 0.01,
        grad_norm=1e-5,
        seconds=0.123,
        evaluations=1234,
        own_optimum=optimum,
        path=path,
        info={"marginal_ml": TRUTH[:k], "marginal_ml_se": np.full(k, 0.1)},
        random_effects=None if pooled or not layout.q else _effects(layout, rng),
    )


def _effects(layout: Layout, rng: np.random.Generator) -> RandomEffects:
    shape = (len(layout.levels), layout.q)
    return RandomEffects(mode=rng.normal(size=shape), sd=np.full(shape, 0.2))


def posterior(rng: np.random.Generator, layout: Layout = LAYOUT) -> Fit:
    """Return a fit with draws."""
    k = layout.size
    values = TRUTH[:k] + 0.1 * rng.normal(size=(4, 100, k))
    return Fit(
        estimator="nuts",
        layout=layout,
        status=Status.OK,
        estimate=values.mean((0, 1)),
        se=values.std((0, 1)),
        estimand=("posterior mean",) * k,
        reason=("",) * k,
        seconds=0.4,
        evaluations=9000,
        draws=Draws(values=values, stats={"energy": rng.normal(size=(4, 100))}),
        diagnostics={"rhat_max": 1.004, "ess_bulk_min": 812.0, "ess_tail_min": 640.0, "divergences": 0.0},
    )


def failed(label: str, message: str, layout: Layout = LAYOUT) -> Fit:
    """Return a fit that has no estimate."""
    nothing = np.full(layout.size, np.nan)
    return Fit(
        estimator=label,
        layout=layout,
        status=Status.FAILED,
        flags=(Flag.DIVERGED,),
        message=message,
        estimate=nothing,
        se=nothing,
        estimand=("",) * layout.size,
        reason=(message,) * layout.size,
    )


def tree(fit: Fit) -> xr.DataTree:
    """Return draws as ArviZ has them."""
    draws = fit.draws
    assert draws is not None
    posterior = {
        name: (["chain", "draw", *dims], draws.values[..., place])
        for name, (place, dims) in fit.layout.variables.items()
    }
    stats = {name: (["chain", "draw"], values) for name, values in draws.stats.items()}
    coords = {name: list(labels) for name, labels in fit.layout.coords.items() if name != str(fit.layout.factor)}
    found = xr.DataTree.from_dict(
        {"/posterior": xr.Dataset(posterior, coords=coords), "/sample_stats": xr.Dataset(stats)}
    )
    found.attrs = {"estimator": fit.estimator}
    return found


def own_data(*, draws: bool = True, layout: Layout = LAYOUT, scenario: str = "cake", **about: object) -> Results:
    """Return a comparison on one data set."""
    rng = np.random.default_rng(1)
    fits = [point(label, rng, layout) for label in POINTS] + ([posterior(rng, layout)] if draws else [])
    records = [Record(study="fit", scenario=scenario, replicate=0, fit=fit) for fit in fits]
    return results_of(records, about={"kind": "fit", **about}, trees={(scenario, 0): tree(fits[-1])} if draws else {})


def study(replicates: int = 3, scenarios: tuple[str, ...] = ("easy", "hard"), **about: object) -> Results:
    """Return a simulation study; the first data set of the first scenario has a failure."""
    rng, records, trees, optima = np.random.default_rng(2), [], {}, []
    for scenario in scenarios:
        for replicate in range(replicates):
            fits = [*(point(label, rng) for label in POINTS), posterior(rng)]
            if scenario == scenarios[0] and replicate == 1:
                fits[2] = failed("adam-marginal", "The loss was not a number.")
            if replicate == 0:
                trees[scenario, 0] = tree(fits[-1])
            effects = rng.normal(size=(3, 2))
            records += [
                Record(
                    study="demo",
                    scenario=scenario,
                    replicate=replicate,
                    fit=fit,
                    truth=TRUTH,
                    effects=effects,
                    modes=effects,
                )
                for fit in fits
            ]
            optima.append({
                "study": "demo", "scenario": scenario, "replicate": replicate, "objective": "lbfgs-ml", "starts": 10,
                "distinct": 1, "deviance_range": 0.0,
            })  # fmt: skip
    contrasts = [Contrast(name="hardness", worse=scenarios[-1], base=scenarios[0])] if len(scenarios) > 1 else []
    described = [
        {
            "name": name, "description": f"the {name} one", "formula": "y ~ 1 + x + (1 + x | g)", "groups": 3,
            "rows": 5,
            "covariates": {"x": "normal(0, 1)"}, "truth": dict(zip(LAYOUT.labels, TRUTH, strict=True)),
        }
        for name in scenarios
    ]  # fmt: skip
    facts = {
        "kind": "study",
        "study": "demo",
        "title": "A demonstration",
        "scenarios": described,
        "seed": 7,
        "seconds": 75.0,
    }
    return results_of(
        records, optima=optima, contrasts=contrasts, trees=trees, random_effects=False, about=facts | about
    )


def only_failures() -> Results:
    """Return a comparison in which nothing worked."""
    fits = [failed("lbfgs-ml", "The deviance was not finite."), failed("nuts", "The sampler could not start.")]
    return results_of(
        [Record(study="fit", scenario="cake", replicate=0, fit=fit) for fit in fits], about={"kind": "fit"}
    )


def grid_study(
    factors: dict[str, tuple[object, ...]],
    replicates: int = 4,
    labels: tuple[str, ...] = ("lbfgs-ml", "lbfgs-reml"),
    base: str = "few",
    **about: object,
) -> Results:
    """Return a study of a full factorial grid, without draws or paths."""
    rng, records, described = np.random.default_rng(3), [], []
    for levels in product(*factors.values()):
        settings = dict(zip(factors, levels, strict=True))
        name = "-".join([base, *(f"{key}_{value}" for key, value in settings.items())])
        described.append({
            "name": name, "base": base, "factors": settings, "description": "few groups",
            "formula": "y ~ x + (1 + x | g)",
            "groups": 3, "rows": 5, "imbalance": 0.0, "fixed_design": False, "covariates": {"x": "normal(0, 1) by row"},
            "truth": {"beta[x]": 2.0, "sd_g[Intercept]": 1.0, "sd_g[x]": 0.7, "cor_g": 0.3, "sigma": 1.0},
        })  # fmt: skip
        records += [
            Record(study="grid", scenario=name, replicate=replicate, fit=point(label, rng), truth=TRUTH)
            for replicate in range(replicates)
            for label in labels
        ]
    facts = {"kind": "study", "study": "grid", "title": "A grid", "scenarios": described, "replicates": replicates}
    return results_of(records, random_effects=False, about=facts | about)


@dataclass
class Page(HTMLParser):
    """A page taken apart."""

    html: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    tables: dict[str, list[list[tuple[str, str]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._inside: list[str] = []
        self._table = ""
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        self._inside.append(tag)
        if tag == "table":
            self._table = given.get("id", "")
            self.tables.setdefault(self._table, [])
        if tag == "tr":
            self.tables.setdefault(self._table, []).append([])
        if tag == "td":
            self.tables[self._table][-1].append((given.get("data-v", ""), ""))
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if {"style", "script"} & set(self._inside):
            return
        self.texts.append(data)
        if {"h1", "h2", "h3"} & set(self._inside):
            self.headings[-1] += data
        if "td" in self._inside:
            exact, text = self.tables[self._table][-1][-1]
            self.tables[self._table][-1][-1] = (exact, text + data)

    @property
    def text(self) -> str:
        """All text, white space made even."""
        return re.sub(r"[ \n\t]+", " ", " ".join(self.texts))

    def attributes(self, name: str) -> list[str]:
        """Return every value of an attribute."""
        return [attrs[name] for _, attrs in self.tags if name in attrs]
