"""What the priors say before the data: draws of parameters and responses, held against what was observed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.comparison.derived import derived_names, intraclass
from bayescompare.comparison.predictive_statistics import NEEDS_CENTRE, Fan, fan_of, group_means, statistics_of
from bayescompare.comparison.schema import PRIOR_PREDICTIVE_COLUMNS
from bayescompare.comparison.trees import LARGEST_PREDICTIVE, parameter_variables, response_variable, tree_of
from bayescompare.data import read_data
from bayescompare.engines.conflict import likeliest
from bayescompare.errors import InputError
from bayescompare.likelihood.predictive import draw_proper, draw_response
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.likelihood.variances import total_sd
from bayescompare.model import Model
from bayescompare.seeds import generator, sequence

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["PriorPredictive", "prior_predictive"]

Array = npt.NDArray[np.float64]

OBSERVED, LIKELIEST = "observed", "ML estimate"
_PROBABILITIES = (0.025, 0.5, 0.975)
_UNDRAWN = "cannot be drawn from"
# Numbers of simulated responses that are held at once.
_AT_ONCE = 2_000_000


@dataclass(frozen=True, kw_only=True)
class PriorPredictive:
    """Draws of the prior and of responses from it, and where the data lie among them.

    Parameters
    ----------
    problem
        Model and data.
    values : (S, k)
        Parameters; NaN where the prior is improper.
    missing
        Label of each parameter that cannot be drawn -> why.
    responses : (T, n)
        The first T simulated responses; none where a parameter that they need cannot be drawn.
    quantities
        Name -> ``(S,)``: statistics of the responses, and what the sds imply.
    table
        A row a parameter and quantity: quantiles of its draws, the observed value or the ML estimate, ``p``: the share
        of the draws that are no larger (of ties half), with its Monte Carlo standard error. The columns are those of
        `schema.PRIOR_PREDICTIVE_COLUMNS`.
    """

    problem: Problem = field(repr=False)
    seed: int
    values: Array = field(repr=False)
    missing: Mapping[str, str]
    responses: Array = field(repr=False)
    quantities: Mapping[str, Array] = field(repr=False)
    table: pd.DataFrame

    @cached_property
    def fans(self) -> dict[str, Fan]:
        """Quantiles of the responses and of their group means, over the draws, against the observed ones."""
        problem, found = self.problem, {}
        if len(self.responses):
            found[problem.response] = fan_of(self.responses, problem.y)
            if problem.layout.q:
                drawn, seen = group_means(self.responses, problem), group_means(problem.y[None], problem)[0]
                found[f"means of {problem.layout.factor}"] = fan_of(drawn, seen)
        return found

    @cached_property
    def tree(self) -> xr.DataTree:
        """ArviZ groups ``prior``, ``prior_predictive`` and ``observed_data``; variables that are improper left out."""
        problem = self.problem
        drawn = parameter_variables(self.values[None], problem.layout, ["chain", "draw"])
        data: dict[str, dict[str, tuple[list[str], Any]]] = {
            "prior": {name: entry for name, entry in drawn.items() if not np.isnan(entry[1]).any()},
            "observed_data": {response_variable(problem): (["obs"], problem.y)},
        }
        if len(self.responses):
            data["prior_predictive"] = {response_variable(problem): (["chain", "draw", "obs"], self.responses[None])}
        return tree_of(data, problem, {"seed": self.seed})


def prior_predictive(
    model: Model | str, data: Any, *, draws: int = 2000, seed: int = 1, na: str | None = None
) -> PriorPredictive:
    """Draw parameters and responses from the prior, and hold them against the data.

    Parameters
    ----------
    model
        A model, or its formula.
    data
        As `bayescompare.fit` takes it; the responses have its rows and groups.
    draws
        How many.
    seed
        The same seed gives the same draws.
    na
        ``error`` or ``drop``; see `bayescompare.fit`.

    Raises
    ------
    InputError
        If model or data cannot be used, or there are fewer than two draws.
    """
    if draws < 2:
        raise InputError(f"There must be at least 2 draws, not {draws}.")
    model = Model(model) if isinstance(model, str) else model
    problem = build_problem(model, read_data(data, na=na))
    rng = generator(sequence(seed, "fit", 0, "prior"))
    values, missing = draw_proper(problem, rng, draws)
    quantities, responses = _simulated(problem, values, missing, rng)
    quantities |= _implied(problem, values)
    return PriorPredictive(
        problem=problem,
        seed=seed,
        values=values,
        missing=missing,
        responses=responses,
        quantities=quantities,
        table=pd.DataFrame(_rows(problem, values, missing, quantities), columns=list(PRIOR_PREDICTIVE_COLUMNS)),
    )


def _intercept(problem: Problem) -> set[str]:
    """Return the label of the column of ones, if there is one."""
    labels = problem.layout.labels
    return {labels[k] for k, column in enumerate(problem.x.T) if np.all(column == 1.0)}


def _simulated(
    problem: Problem, values: Array, missing: Mapping[str, str], rng: np.random.Generator
) -> tuple[dict[str, Array], Array]:
    """Return statistics of the responses at each draw, and the first responses.

    Where the intercept alone is improper it is set to zero, and what depends on it left out.
    """
    centred = not missing
    if not set(missing) <= _intercept(problem):
        return {}, np.empty((0, len(problem.y)))
    at = values if centred else np.where(np.isnan(values), 0.0, values)
    once, kept = max(1, _AT_ONCE // len(problem.y)), max(1, LARGEST_PREDICTIVE // len(problem.y))
    parts, first = [], []
    for start in range(0, len(at), once):
        with np.errstate(all="ignore"):
            drawn = draw_response(problem, at[start : start + once], rng)
            parts.append(statistics_of(drawn, problem))
        first.append(drawn[: max(0, kept - start)] if centred else drawn[:0])
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    left = {name: each for name, each in found.items() if centred or name not in NEEDS_CENTRE}
    return left, np.concatenate(first)


def _implied(problem: Problem, values: Array) -> dict[str, Array]:
    """Return what the sds imply: intraclass correlation and total sd, NaN where an sd is."""
    layout = problem.layout
    with np.errstate(all="ignore"):
        found = {name: intraclass(values, layout) for name in derived_names(layout) if name.startswith("icc_")}
        return found | {"total sd": total_sd(problem, values)} if layout.q else {}


def _rows(
    problem: Problem, values: Array, missing: Mapping[str, str], quantities: Mapping[str, Array]
) -> Iterator[dict[str, Any]]:
    """Yield a row a parameter, a row a statistic of the response, a row of each implied quantity."""
    layout, ml = problem.layout, likeliest(problem)
    best = np.full((1, layout.size), np.nan) if ml is None else ml.estimate[None]
    for k, label in enumerate(layout.labels):
        known = label not in missing and not (label in layout.labels[layout.cor] and layout.cor_name in missing)
        yield _row(label, "parameter", values[:, k], LIKELIEST, float(best[0, k]), "" if known else _UNDRAWN)
    seen = statistics_of(problem.y[None], problem)
    for name, (value,) in seen.items():
        yield _row(name, "response", quantities.get(name), OBSERVED, float(value), _because(missing))
    sds = {label: why for label, why in missing.items() if not label.startswith("beta[")}
    for name, (value,) in _implied(problem, best).items():
        yield _row(name, "implied", quantities.get(name), LIKELIEST, float(value), _because(sds))


def _because(missing: Mapping[str, str]) -> str:
    return f"needs draws of {', '.join(missing)}" if missing else ""


def _row(name: str, kind: str, drawn: Array | None, against: str, value: float, reason: str) -> dict[str, Any]:
    """Return quantiles of draws, and where a value lies among them."""
    total = 0 if drawn is None else len(drawn)
    known = np.array([]) if drawn is None else drawn[~np.isnan(drawn)]
    row: dict[str, Any] = {"quantity": name, "kind": kind, "against": against, "value": value}
    if not len(known):
        nothing = dict.fromkeys(("lower", "median", "upper", "p", "p_mcse"), np.nan)
        return row | nothing | {"n_used": 0, "n_total": total, "reason": reason or "no draw is a number"}
    # an infinite draw counts as large; between two draws nothing is interpolated
    lower, median, upper = np.quantile(known, _PROBABILITIES, method="inverted_cdf")
    count = float(np.sum(known < value) + np.sum(known == value) / 2)
    # Laplace's share has an error above zero where no draw, or every one, is smaller
    share = (count + 1) / (len(known) + 2)
    lost = total - len(known)
    return row | {
        "lower": lower,
        "median": median,
        "upper": upper,
        "p": count / len(known) if np.isfinite(value) else np.nan,
        "p_mcse": float(np.sqrt(share * (1 - share) / len(known))) if np.isfinite(value) else np.nan,
        "n_used": len(known),
        "n_total": total,
        "reason": f"{lost:,} of {total:,} draws are no number: they overflow" if lost else "",
    }
