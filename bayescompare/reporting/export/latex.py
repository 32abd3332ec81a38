"""Tables as LaTeX, with booktabs and longtable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from bayescompare.comparison.results import Results
from bayescompare.reporting.formats import count, interval, plain

__all__ = ["latex_tables", "tex"]

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "\N{MINUS SIGN}": "$-$", "\N{MULTIPLICATION SIGN}": r"$\times$", "\N{INFINITY}": r"$\infty$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$", "\N{NARROW NO-BREAK SPACE}": r"\,", "\N{NO-BREAK SPACE}": "~",
}  # fmt: skip
_CODES = str.maketrans(_TEX)
#: Measures of a study's table, in its order.
_MEASURES = {"bias": "bias", "empirical_se": "empirical SE", "model_se": "model SE", "rmse": "RMSE"}
_OF_INTERVALS = {"coverage": "coverage", "width": "width"}
_PREAMBLE = "% needs \\usepackage{booktabs,longtable}"


def tex(words: object) -> str:
    """Return a text as LaTeX prints it: nothing in it is a command."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in str(words)).split())
    powers = re.split("([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", line)
    return "".join(
        f"$^{{{part.translate(_SUPERSCRIPTS)}}}$" if k % 2 else part.translate(_CODES) for k, part in enumerate(powers)
    )


def latex_tables(results: Results) -> Mapping[str, str]:
    """Return the tables that a paper shows, by file name.

    Of a fit the estimates; of a study its measures with their Monte Carlo errors, and its verdicts.
    """
    if results.about.get("kind") != "study":
        return {"estimates.tex": _estimates(results)}
    return {"measures.tex": _measures(results), "verdicts.tex": _verdicts(results)}


def _table(rows: Iterable[Mapping[str, str]], caption: str, label: str) -> str:
    """Return rows of plain texts as a longtable."""
    frame = pd.DataFrame([{tex(name): tex(cell) for name, cell in row.items()} for row in rows])
    made = frame.style.hide(axis="index").to_latex(
        hrules=True, environment="longtable", caption=tex(caption), label=f"tab:{label}",
        column_format="l" * len(frame.columns),
    )  # fmt: skip
    return f"{_PREAMBLE}\n{made}"


def _estimates(results: Results) -> str:
    rows = [
        {
            "parameter": row["parameter"],
            "estimator": row["estimator"],
            "estimate": plain(row["estimate"], row["se"]),
            "SE": plain(row["se"], digits=2),
            "interval": interval(row["lower"], row["upper"], row["se"]).text,
            "kind": row["kind"] if isinstance(row["kind"], str) else "",
            "flags": ", ".join(row["flags"]),
        }
        for row in results.table.to_dict("records")
    ]
    levels = results.tables["intervals"]["level"]
    level = f", {100 * levels.iloc[0]:g} % intervals" if len(levels) else ""
    return _table(rows, f"Estimates and standard errors or posterior sds{level}", "estimates")


def _measures(results: Results) -> str:
    found = results.performance
    found = found[(found["reading"] == "all") & found["measure"].isin({**_MEASURES, **_OF_INTERVALS})]
    cells: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in found.to_dict("records"):
        kind = f" ({row['kind']})" if row["measure"] in _OF_INTERVALS else ""
        name = {**_MEASURES, **_OF_INTERVALS}[row["measure"]]
        key = (row["scenario"], row["parameter"], f"{row['estimator']}{kind}")
        cell = cells.setdefault(key, {})
        cell[name] = f"{plain(row['value'], row['mcse'])} ({plain(row['mcse'], digits=2)})" if row["n_used"] else "n/a"
        cell["n"] = count(row["n_used"], row["n_total"])
    names = [*_MEASURES.values(), *_OF_INTERVALS.values(), "n"]
    rows = [
        {"scenario": scenario, "parameter": parameter, "estimator": estimator}
        | {name: cell.get(name, "") for name in names}
        for (scenario, parameter, estimator), cell in cells.items()
    ]
    return _table(rows, "Performance of the estimators, Monte Carlo standard errors in brackets; all fits", "measures")


def _verdicts(results: Results) -> str:
    rows = [
        {
            "claim": str(row["claim"]),
            "of": row["aspect"],
            "objective": row["objective"],
            "scenario": row["scenario"],
            "estimand": plain(row["value"]),
            "95 % interval": interval(row["lower"], row["upper"]).text,
            "margin": plain(row["margin"]),
            "n": count(row["n_used"], row["n_total"]),
            "verdict": str(row["verdict"]),
        }
        for row in results.verdicts.to_dict("records")
    ]
    return _table(rows, "Claims and what the data say", "verdicts")
