"""NUTS: minimum bulk ESS a second, against Bambi's hierarchical model of the same data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayescompare.engines.nuts.engine import Nuts
from bayescompare.engines.nuts.sample import available_cores
from bayescompare.fits import Fit
from bayescompare.likelihood.problem import Problem
from bench.rows import Row
from bench.samples import SEED, frames, problems
from bench.timing import missing, quiet, timed

__all__ = ["bambi_ess", "bambi_fit", "measure"]

_SECTION = "NUTS, 4 chains x 1,000 draws, random slopes: minimum bulk ESS a second, warm"
_CHAINS, _DRAWS, _WANTED = 4, 1000, 50.0
_FORMULA = "y ~ x + (1 + x | subject)"
_PARAMETERS = ["Intercept", "x", "sigma", "1|subject_sigma", "x|subject_sigma"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sampled:
    """Seconds of a whole fit, of its sampling alone, and the minimum bulk ESS."""

    whole: float
    sampling: float
    ess: float


def measure(*, quick: bool) -> list[Row]:
    """Return the rows of this section."""
    ours_count, theirs_count = (5, 1) if quick else (30, 3)
    data, batch = frames(theirs_count), problems(ours_count)
    _fit(batch[:2])
    share = -(-ours_count // theirs_count)
    own: list[tuple[float, list[Fit]]] = []
    others: dict[str, list[_Sampled]] = {}
    samplers = {"default sampler": "pymc", "nutpie": "nutpie"}
    note = missing("bambi")
    for i, frame in enumerate(data):
        own.append(timed(_fit, batch[i * share : (i + 1) * share]))
        for name, method in {} if note else samplers.items():
            if i == 0:
                _bambi(frame, method, draws=20)
            others.setdefault(name, []).append(_bambi(frame, method))
    fits = [fit for _, part in own for fit in part]
    seconds = sum(part for part, _ in own)
    ours = sum(fit.diagnostics["ess_bulk_min"] for fit in fits) / seconds
    about = f"ours: {seconds / len(fits):.3f} s a data set, mean ESS {ours * seconds / len(fits):.0f}"
    if note:
        return [Row(section=_SECTION, name="nuts / Bambi", ours=ours, unit="ESS/s", wanted=_WANTED, note=note)]
    return [row for name in samplers for row in _rows(name, others[name], ours, about)]


def _rows(name: str, sampled: Sequence[_Sampled], ours: float, about: str) -> list[Row]:
    """Return a row for whole fits, and one that leaves out what Bambi needs to build and compile."""
    ess = sum(one.ess for one in sampled)
    whole, alone = sum(one.whole for one in sampled), sum(one.sampling for one in sampled)
    note = (
        f"{about}; Bambi: {whole / len(sampled):.2f} s, ESS {ess / len(sampled):.0f}, slopes independent of intercepts"
    )
    return [
        Row(
            section=_SECTION,
            name=f"nuts / Bambi, {name}",
            ours=ours,
            theirs=ess / whole,
            unit="ESS/s",
            wanted=_WANTED,
            note=note,
        ),
        Row(
            section=_SECTION,
            name=f"nuts / Bambi, {name}, its sampling alone",
            ours=ours,
            theirs=ess / alone,
            unit="ESS/s",
            note=f"without building and compiling, {alone / len(sampled):.2f} s a data set",
        ),
    ]


def _fit(batch: Sequence[Problem]) -> list[Fit]:
    """Fit by our sampler."""
    engine = Nuts(chains=_CHAINS, draws=_DRAWS)
    return engine.fit(batch, [np.random.SeedSequence(SEED, spawn_key=(i,)) for i in range(len(batch))])


def bambi_fit(frame: pd.DataFrame, method: str = "pymc", draws: int = _DRAWS) -> Any:
    """Build Bambi's model and sample it, with its own warm-up and as many cores as ours."""
    import bambi

    return bambi.Model(_FORMULA, frame).fit(
        draws=draws,
        chains=_CHAINS,
        cores=available_cores(_CHAINS),
        random_seed=SEED,
        inference_method=method,
        progressbar=False,
    )


def _bambi(frame: pd.DataFrame, method: str, draws: int = _DRAWS) -> _Sampled:
    """Time a fit by Bambi."""
    with quiet():
        whole, tree = timed(bambi_fit, frame, method, draws)
    attributes = {**tree.attrs, **tree["posterior"].attrs, **tree["sample_stats"].attrs}
    return _Sampled(whole=whole, sampling=float(attributes.get("sampling_time", whole)), ess=bambi_ess(tree))


def bambi_ess(tree: Any) -> float:
    """Return the minimum bulk ESS of a fit by Bambi, over the parameters that ours has too."""
    import arviz

    with quiet():
        ess = arviz.ess(tree, var_names=_PARAMETERS, method="bulk")
    return min(float(values.min()) for values in ess.data_vars.values())
