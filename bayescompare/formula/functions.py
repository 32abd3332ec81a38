"""The names that a formula may call: nothing else is ever looked up, and what they do is in `model_frame`."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CONTRASTS", "ENCODINGS", "FUNCTIONS", "SEVERAL", "UNSUPPORTED", "random_spelling"]

#: Functions that make labels of a column, whatever its type.
ENCODINGS = frozenset({"C", "T", "S", "factor", "as.factor", "relevel"})
#: Contrasts that stand as an argument, without brackets of their own.
CONTRASTS = frozenset({"Treatment", "Sum", "contr.treatment", "contr.sum"})
#: Functions that make several columns of a number.
SEVERAL = frozenset({"bs", "ns", "poly"})

_ELEMENTWISE = frozenset(
    {"abs", "ceiling", "cos", "exp", "floor", "log", "log10", "log1p", "log2", "pmax", "pmin", "round", "sin", "sqrt"}
)
_NUMPY = frozenset({"abs", "cos", "exp", "floor", "log", "log10", "log1p", "log2", "round", "sin", "sqrt"})

FUNCTIONS: frozenset[str] = (
    ENCODINGS
    | CONTRASTS
    | SEVERAL
    | _ELEMENTWISE
    | {f"np.{name}" for name in _NUMPY}
    | {"I", "c", "center", "scale", "standardize"}
)
"""Functions that a formula may call, as they are spelt in R, `formulae` or Bambi."""

_SPLINES = "smooth terms are not supported; write ns(x, df=3) or bs(x, df=4)"
_GROUPS = "relations between groups are not supported; write the grouping column by itself, as in (1 | g)"

UNSUPPORTED: Mapping[str, str] = {
    "offset": "an offset is not supported yet; subtract it from the response, as in I(y - x)",
    "weights": "weights are not supported yet",
    "se": "known residual variances are not supported yet",
    **dict.fromkeys(("cens", "trunc"), "censored and truncated responses are not supported"),
    **dict.fromkeys(("p", "prop", "proportion", "cbind", "trials"), "a proportion as response is not supported yet"),
    **dict.fromkeys(("s", "t2", "te", "ti", "gp", "hsgp", "cr", "cc", "tp"), _SPLINES),
    **dict.fromkeys(("gr", "mm"), _GROUPS),
    **dict.fromkeys(
        ("mo", "me", "mi"), "monotonic effects and measurement errors are not supported; write factor(x) or x"
    ),
    "abs2": "write I(x^2)",
    "fulldummy": "write (0 + f | g) for an effect of each level of f",
    "lag": "lagged values are not supported; add them to the data as a column",
    "interaction": "write a:b for the combinations of a and b",
}
"""Functions of lme4, brms and Bambi that are refused, with the reason."""

_RANDOM = {
    "us": ("|", ""),
    "diag": ("||", ""),
    "zerocorr": ("||", ""),
    "cs": ("|", "compound symmetry is not supported; with a correlation for each pair "),
    "homcs": ("|", "compound symmetry is not supported; with a correlation for each pair "),
    "ar1": ("|", "autoregressive effects are not supported; with a correlation for each pair "),
}


def random_spelling(name: str, effects: str, factor: str) -> str | None:
    """Return how a random term of glmmTMB's or MixedModels.jl's functions is written here, None of others.

    Parameters
    ----------
    name
        The function.
    effects, factor
        What stands before and after the bar within its brackets.
    """
    if name not in _RANDOM:
        return None
    bar, reason = _RANDOM[name]
    return f"{reason}write ({effects} {bar} {factor})"
