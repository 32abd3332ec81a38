"""Published data sets that come with the package, as in R's lme4."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from bayescompare.dataset import Dataset
from bayescompare.errors import DataError, did_you_mean

__all__ = ["DatasetInfo", "available", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """What a bundled data set is.

    Parameters
    ----------
    title
        One line on what was measured.
    source
        Citation.
    formula
        A model to start with.
    categorical
        Columns of numbers that are labels.
    """

    title: str
    source: str
    formula: str
    categorical: tuple[str, ...] = ()


_INFO = {
    "cbpp": DatasetInfo(
        title="New cases of contagious bovine pleuropneumonia in 15 herds over 4 periods",
        source="Lesnoff et al. (2004), Preventive Veterinary Medicine 66, 173-186",
        formula="incidence ~ period + (1 | herd)",
        categorical=("herd", "period"),
    ),
    "dyestuff": DatasetInfo(
        title="Yield of dyestuff from 6 batches, 5 preparations each",
        source="Davies and Goldsmith (1972), Statistical Methods in Research and Production, 4th ed.",
        formula="yield ~ 1 + (1 | batch)",
    ),
    "dyestuff2": DatasetInfo(
        title="Simulated yield of 6 batches; the variance between batches is estimated as zero",
        source="Box and Tiao (1973), Bayesian Inference in Statistical Analysis, section 5.1.2",
        formula="yield ~ 1 + (1 | batch)",
    ),
    "pastes": DatasetInfo(
        title="Strength of a chemical paste, 10 batches, 3 casks each, 2 tests a cask",
        source="Davies and Goldsmith (1972), Statistical Methods in Research and Production, 4th ed.",
        formula="strength ~ 1 + (1 | batch)",
    ),
    "penicillin": DatasetInfo(
        title="Zone of inhibition of 6 samples of penicillin on 24 plates",
        source="Davies and Goldsmith (1972), Statistical Methods in Research and Production, 4th ed.",
        formula="diameter ~ 1 + (1 | plate)",
    ),
    "sleepstudy": DatasetInfo(
        title="Reaction time of 18 subjects over 10 days of little sleep",
        source="Belenky et al. (2003), Journal of Sleep Research 12, 1-12",
        formula="reaction ~ 1 + days + (1 + days | subject)",
        categorical=("subject",),
    ),
}


def available() -> dict[str, DatasetInfo]:
    """Return the bundled data sets by name."""
    return dict(_INFO)


def load(name: str) -> Dataset:
    """Return a bundled data set.

    Parameters
    ----------
    name
        One of the names of `available`.

    Raises
    ------
    DataError
        Where there is no data set of this name.
    """
    import pandas as pd

    if name not in _INFO:
        raise DataError(f"There is no bundled data set {name!r}.{did_you_mean(name, _INFO)}")
    info = _INFO[name]
    with files(__name__).joinpath(f"{name}.csv").open("rb") as stream:
        frame = pd.read_csv(stream)
    frame = frame.astype(dict.fromkeys(info.categorical, "category"))
    return Dataset(frame=frame, name=name, source=info.source)
