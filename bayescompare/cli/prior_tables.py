"""Tables of priors, and of what they say before the data, for a terminal."""

from __future__ import annotations

import math
from pathlib import Path

from rich.text import Text

from bayescompare.cli.tables import add_row, new_console, new_table, number
from bayescompare.comparison.prior_predictive import PriorPredictive
from bayescompare.comparison.results import Results
from bayescompare.comparison.sensitivity import Sensitivity
from bayescompare.fits import Flag

__all__ = ["print_priors", "print_sensitivity"]

_TITLES = {
    "parameter": "Draws of the parameters, against the maximum likelihood estimate",
    "response": "Draws of the response, against what was observed",
    "implied": "What the sds imply, against the maximum likelihood estimate",
}


def print_priors(found: PriorPredictive, report: Path | None) -> None:
    """Print each prior with its reason, then quantiles of the draws and where the data lie among them."""
    console, problem = new_console(), found.problem
    title = f"Priors of {problem.model.formula} in {problem.dataset}: set {problem.model.prior_set}"
    shown = new_table(title, ["parameter", "prior", "why"], set())
    for label, prior in problem.priors.labels().items():
        add_row(shown, [label, repr(prior), problem.priors.why.get(label, "")])
    console.print(shown)
    for kind, heading in _TITLES.items():
        rows = found.table[found.table["kind"] == kind]
        if len(rows):
            console.print()
            console.print(_quantiles(heading, rows.to_dict("records")))
    console.print()
    draws = len(found.values)
    console.print(
        Text(f"p: share of {draws:,} draws below the value; ± is its Monte Carlo standard error.", style="dim")
    )
    for label, why in found.missing.items():
        console.print(Text(f"{label}: {why}"))
    if report is not None:
        console.print(Text(f"Report: {report}", style="bold"), soft_wrap=True)


def _quantiles(heading: str, rows: list[dict[str, object]]) -> object:
    """Return a table of quantiles; what has no draws says why."""
    numeric = ["2.5 %", "50 %", "97.5 %", str(rows[0]["against"]), "p"]
    table = new_table(heading, ["", *numeric, "note"], set(numeric))
    for row in rows:
        numbers = [_quantile(float(str(row[name]))) for name in ("lower", "median", "upper", "value")]
        add_row(table, [str(row["quantity"]), *numbers, _share(row), str(row["reason"])])
    return table


def _quantile(value: float) -> str:
    return f"{'-' * (value < 0)}∞" if math.isinf(value) else number(value)


def _share(row: dict[str, object]) -> str:
    p, error = float(str(row["p"])), float(str(row["p_mcse"]))
    return "-" if p != p else f"{p:.3f} ± {error:.3f}" if error >= 0.0005 else f"{p:.4f} ± {error:.4f}"


def print_sensitivity(results: Results, found: Sensitivity | None) -> None:
    """Print where prior and data disagree, and how far the fits under other priors moved."""
    console = new_console()
    for row in results.tables["fits"].itertuples():
        if Flag.PRIOR_CONFLICT in list(row.flags):
            console.print(Text(f"{row.estimator}: {row.message}"))
    if found is None:
        return
    moved = found.table[found.table["under"] != ""]
    numeric = ["estimate", "move", "lower end", "upper end"]
    title = (
        "Under other priors: moves of the estimate and of its interval's ends, in posterior sds under the model's own"
    )
    shown = new_table(title, ["parameter", "priors", "estimator", *numeric], set(numeric))
    for parameter in dict.fromkeys(moved["parameter"]):
        for row in moved[moved["parameter"] == parameter].to_dict("records"):
            ends = [_with_error(row[name], row[f"{name}_mcse"]) for name in ("move", "lower_move", "upper_move")]
            add_row(shown, [parameter, row["under"], row["estimator"], number(row["estimate"], 5), *ends])
    console.print(shown)
    if found.compiled_anew:
        console.print(
            Text(f"NUTS compiled anew, for other kinds of priors: {', '.join(found.compiled_anew)}", style="dim")
        )
    console.print()


def _with_error(value: float, error: float) -> str:
    return "-" if value != value else f"{value:+.2f}" if not error > 0 else f"{value:+.2f} ± {error:.2f}"
