"""The posterior in which point estimates are placed: the draws, or the exact one where the draws cannot be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from bayescompare.comparison.exact_places import exact_places
from bayescompare.fits import FLAG_SENTENCES, Flag
from bayescompare.reporting.subject import Subject

__all__ = ["Yardstick", "yardstick"]

#: Flags of draws that place nothing.
_DOUBTS = (
    Flag.RHAT,
    Flag.ESS,
    Flag.BFMI,
    Flag.DIVERGENCES,
    Flag.TREEDEPTH,
    Flag.NOT_FINITE,
    Flag.STUCK,
    Flag.PARTIAL,
    Flag.NOT_EXACT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """What the estimates are held against.

    Parameters
    ----------
    label
        Of the estimator whose draws, or grid, they are.
    doubts
        What its draws failed; empty where they can be trusted.
    exact
        Whether the exact posterior stands in for the draws.
    places
        The summary of the first data set, with the places in this posterior.
    """

    label: str
    doubts: Sequence[str]
    exact: bool
    places: pd.DataFrame

    @property
    def name(self) -> str:
        """The posterior in words."""
        return "the exact posterior, by quadrature" if self.exact else f"the posterior of {self.label}"

    @property
    def trusted(self) -> bool:
        """Whether what it says can be believed."""
        return self.exact or not self.doubts

    @property
    def warning(self) -> str:
        """A sentence on draws that failed; empty where there is nothing to say."""
        if not self.doubts:
            return ""
        instead = "so the exact posterior takes their place." if self.exact else "so take every place in them as rough."
        return f"The draws of {self.label} cannot be trusted ({'; '.join(self.doubts)}), {instead}"


def yardstick(subject: Subject) -> Yardstick | None:
    """Return the posterior to hold the estimates against; None where there is none."""
    agreement = subject.table("agreement")
    if not len(agreement):
        return None
    label = str(agreement["posterior"].iloc[0])
    doubts = _doubts(subject, label)
    exact = _exact(subject) if doubts else None
    places = subject.first if exact is None else _placed_in(subject.first, exact)
    return Yardstick(label=label, doubts=doubts, exact=exact is not None, places=places)


def _doubts(subject: Subject, label: str) -> list[str]:
    fits = subject.table("fits")
    raised = {str(flag) for flags in fits.loc[fits["estimator"] == label, "flags"] for flag in flags}
    return [_begun(FLAG_SENTENCES[flag]) for flag in _DOUBTS if flag in raised]


def _begun(sentence: str) -> str:
    """Return the first part of a sentence, as the middle of another."""
    words = sentence.partition(":")[0].removesuffix(".")
    first = words.partition(" ")[0]
    return words[0].lower() + words[1:] if first.isalpha() and first[1:].islower() | (len(first) == 1) else words


def _exact(subject: Subject) -> pd.DataFrame | None:
    """Return places in the exact posterior, if quadrature found it."""
    known = len(subject.table("densities")) and len(subject.table("exact"))
    return exact_places(subject.results.tables) if known else None


def _placed_in(shown: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Return the summary with other places in its columns, and its rows in their order."""
    return shown.drop(columns=["quantile", "z", "hdi_level"]).merge(
        places, on=["scenario", "estimator", "parameter"], how="left"
    )
