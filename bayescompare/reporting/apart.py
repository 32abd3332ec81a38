"""How far apart point estimates are where no posterior was sampled: in standard errors from the ML estimate."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bayescompare.comparison.records import same_estimand
from bayescompare.engines.optima import marginal_ml
from bayescompare.reporting.formats import plain
from bayescompare.reporting.subject import Subject

__all__ = ["Apart", "apart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Estimates beside those of maximum likelihood.

    Parameters
    ----------
    reference
        Label of the latter.
    rows
        Rows of the summary of the others, with the distance in standard errors in the column ``z``.
    """

    reference: str
    rows: pd.DataFrame

    @property
    def sentence(self) -> str:
        """How far the farthest is, of how many."""
        far = self.rows.loc[self.rows["z"].abs().idxmax()]
        size = f"{plain(abs(far['z']), 0.01)} standard errors {'above' if far['z'] > 0 else 'below'}"
        return (
            f"No posterior was sampled; of {len(self.rows)} estimates beside those of {self.reference} the farthest is "
            f"{far['parameter']} of {far['estimator']}, {size}."
        )


def apart(subject: Subject) -> Apart | None:
    """Return the distances; None where there is no ML estimate with a standard error, or nothing beside it."""
    shown = subject.first
    if not len(shown):
        return None
    labels = list(map(str, dict.fromkeys(shown["estimator"])))
    place = marginal_ml(labels)
    if place is None:
        return None
    own = shown["estimator"] == labels[place]
    ml = shown[own].set_index("parameter")[["estimate", "se"]]
    others = same_estimand(shown[~own]).drop(columns="z").join(ml.add_prefix("ml_"), on="parameter")
    rows = others.assign(z=(others["estimate"] - others["ml_estimate"]) / others["ml_se"].where(others["ml_se"] > 0))
    known = rows[rows["z"].notna()]
    return Apart(reference=labels[place], rows=known) if len(known) else None
