"""Long tables of fits that were never run, a line a fit: one parameter, one interval."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

NAN = float("nan")


def fit(
    estimate: float = NAN,
    se: float = NAN,
    lower: float = NAN,
    upper: float = NAN,
    *,
    replicate: int = 0,
    estimator: str = "one",
    scenario: str = "s",
    parameter: str = "x",
    truth: float = 2.0,
    kind: str = "wald",
    level: float = 0.5,
    status: str = "ok",
    flags: tuple[str, ...] = (),
    estimand: str = "ML mode",
) -> dict[str, Any]:
    """Return a fit of one parameter."""
    return dict(locals())


def failed(replicate: int, status: str = "failed", **more: Any) -> dict[str, Any]:
    """Return a fit without numbers."""
    return fit(replicate=replicate, status=status, estimand="", **more)


def long(fits: Iterable[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    """Return the tables of fits."""
    whole = pd.DataFrame(list(fits)).assign(study="t", reason="")
    key = ["study", "scenario", "replicate", "estimator"]
    runs = whole.drop_duplicates(key)[[*key, "status"]]
    return {
        "estimates": whole[[*key, "parameter", "estimate", "se", "estimand", "truth", "reason"]].drop_duplicates(
            [*key, "parameter"], ignore_index=True
        ),
        "intervals": whole[[*key, "parameter", "kind", "level", "lower", "upper", "reason"]],
        "fits": runs.assign(flags=[list(whole["flags"][k]) for k in runs.index]),
    }


def numbered(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return fits numbered by replicate."""
    return [row | {"replicate": k} for k, row in enumerate(rows)]


def normal(n: int, rng: np.random.Generator, **more: Any) -> list[dict[str, Any]]:
    """Return fits with normal estimates."""
    draws = 2 + rng.normal(size=n)
    return numbered(fit(x, 1.0, x - 0.7, x + 0.7, **more) for x in draws)


def one(frame: pd.DataFrame, **where: Any) -> pd.Series:
    """Return the only row with some values."""
    for name, value in where.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, f"{len(frame)} rows"
    return frame.iloc[0]
