"""Names of priors that a test adds, and takes away again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from bayescompare import registry
from bayescompare.priors import names as registered

HEAD = "from dataclasses import dataclass\n\nimport bayescompare as bc\n\n\n"
LOMAX = '''@dataclass(frozen=True)
class Lomax(bc.Prior):
    """Generalised Pareto distribution from zero on."""

    alpha: float
    scale: float = 1.0
    support = "positive"
    positive = ("alpha", "scale")

    def logp(self, x, xp):
        return xp.log(self.alpha / self.scale) - (self.alpha + 1) * xp.log1p(x / self.scale)

    def draw(self, rng, shape):
        return self.scale * rng.pareto(self.alpha, shape)
'''


@contextlib.contextmanager
def as_before() -> Iterator[None]:
    """Forget at the end what was registered."""
    tables = (registered._REGISTRY._items, registered._ORIGINS, registered._FILES)
    kept = [dict(table) for table in tables]
    try:
        yield
    finally:
        for table, before in zip(tables, kept, strict=True):
            table.clear()
            table.update(before)


@pytest.fixture
def names():
    """Give the test a registry of its own."""
    with as_before():
        yield


def written(folder: Path, text: str = HEAD + LOMAX, name: str = "my_priors.py") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def offered(monkeypatch, **points: str) -> None:
    """Offer priors as installed packages do."""
    found = [EntryPoint(name=name, value=value, group="bayescompare.priors") for name, value in points.items()]
    monkeypatch.setattr(registry, "entry_points", lambda group: found if group == "bayescompare.priors" else [])
