"""The literature of the methods that a comparison used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from bayescompare.comparison.results import Results
from bayescompare.reporting.export.latex import tex

__all__ = ["bibliography"]

_OURS = "@software{bayescompare, title = {bayescompare}, author = {{The bayescompare developers}}, version = {VERSION}}"
# Beginning of an estimator's label -> keys of references.bib.
_ESTIMATORS = {
    "adam": ("kingma2015adam", "keras", "tensorflow"),
    "adam-elbo": ("kucukelbir2017advi",),
    "lbfgs": ("byrd1995limited", "zhu1997lbfgsb", "scipy", "bates2015lme4"),
    "lbfgs-reml": ("patterson1971reml",),
    "nuts": ("hoffman2014nuts", "pymc", "nutpie", "vehtari2021rhat", "betancourt2016bfmi"),
}
# Kind of an interval -> keys.
_INTERVALS = {
    "wald-t": ("satterthwaite1946", "kuznetsova2017lmertest"),
    "profile": ("bates2015lme4",),
    "bootstrap": ("davison1997bootstrap",),
    "cr0": ("liang1986gee",),
    "cr2": ("bell2002bias", "pustejovsky2018cluster"),
    "averaged": ("polyak1992averaging", "chen2020inference"),
}
_STUDY = ("morris2019simulation", "burton2006simulation")
_ARVIZ = ("rhat", "ess", "mcse")


def bibliography(results: Results) -> str:
    """Return BibTeX of the estimators, intervals and diagnostics in some results, and of what they were made with.

    ArviZ's own entries are those of `arviz_base.citations`.
    """
    entries = _entries()
    used = dict.fromkeys(_keys(results))
    version = str((results.about.get("versions") or {}).get("bayescompare", "unknown"))
    found = [_OURS.replace("VERSION", tex(version)), *(entries[key] for key in used)]
    return "\n\n".join([*found, *_arviz(with_draws="hoffman2014nuts" in used)]) + "\n"


def _keys(results: Results) -> Iterator[str]:
    labels = results.tables["fits"]["estimator"].unique()
    for start, keys in _ESTIMATORS.items():
        if any(str(label).startswith(start) for label in labels):
            yield from keys
    kinds = {str(kind) for kind in results.tables["intervals"]["kind"].unique()}
    for kind, keys in _INTERVALS.items():
        if any(one.startswith(kind) for one in kinds):
            yield from keys
    if results.about.get("kind") == "study":
        yield from _STUDY


def _entries() -> dict[str, str]:
    """Return the entries of references.bib by key."""
    text = files(__package__).joinpath("references.bib").read_text("utf-8")
    found = (entry.strip() for entry in re.split(r"\n(?=@)", text) if entry.strip())
    return {entry.partition("{")[2].partition(",")[0].strip(): entry for entry in found}


def _arviz(*, with_draws: bool) -> list[str]:
    """Return ArviZ's entries; its first paragraph says what they are for, which BibTeX takes for a comment."""
    import arviz_base
    import arviz_stats

    methods = [getattr(arviz_stats, name) for name in _ARVIZ] if with_draws else None
    # its stub says that nothing is returned
    cited: Any = arviz_base.citations
    return [entry for entry in cited(methods=methods).split("\n\n") if entry.startswith("@")]
