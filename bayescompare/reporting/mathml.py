"""A model in mathematics, as MathML, from the labels of its parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["model_mathematics"]

_LABEL = re.compile(r"(beta|sd_(?P<sd>.+?)|cor_(?P<cor>.+?))\[(?P<name>.*)\]", re.DOTALL)
#: Columns beyond these are not spelt out.
_MOST_TERMS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The names in a model's labels."""

    coefs: tuple[str, ...]
    factor: str
    effects: tuple[str, ...]
    pairs: tuple[str, ...]


def _parts(labels: Sequence[str]) -> _Parts:
    found: dict[str, list[str]] = {"beta": [], "sd": [], "cor": []}
    factor = ""
    for label in labels:
        match = _LABEL.fullmatch(label)
        if match is None:
            continue
        kind = "sd" if match["sd"] else "cor" if match["cor"] else "beta"
        factor = match["sd"] or factor
        found[kind].append(match["name"])
    return _Parts(coefs=tuple(found["beta"]), factor=factor, effects=tuple(found["sd"]), pairs=tuple(found["cor"]))


def _i(symbol: str) -> str:
    return f"<mi>{symbol}</mi>"


def _t(text: str) -> str:
    return f"<mtext>{escape(text)}</mtext>"


def _o(operator: str) -> str:
    return f"<mo>{operator}</mo>"


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _sub(base: str, *index: str) -> str:
    return f"<msub>{base}{_row(*index)}</msub>"


def _normal(mean: str, variance: str) -> str:
    return f'<mi mathvariant="normal">N</mi>{_o("(")}{mean}{_o(",")}{variance}{_o(")")}'


def _term(symbol: str, name: str) -> str:
    """Return a coefficient times its column; an intercept has no column."""
    return symbol if name == "Intercept" else symbol + '<mspace width="0.25em"></mspace>' + _t(name)


def _sum(terms: Sequence[str]) -> str:
    shown = list(terms[:_MOST_TERMS]) + (["<mi>⋯</mi>"] if len(terms) > _MOST_TERMS else [])
    return _o("+").join(shown)


def _math(content: str) -> str:
    return f'<math display="block">{_row(content)}</math>'


def _mean(parts: _Parts, response: str) -> str:
    index = (_i("i"),)
    fixed = [_term(_sub(_i("β"), f"<mn>{k}</mn>"), name) for k, name in enumerate(parts.coefs)]
    random = [
        _term(_sub(_i("b"), f"<mn>{k}</mn>", _o(","), _i("j"), _o("["), *index, _o("]")), name)
        for k, name in enumerate(parts.effects)
    ]
    noise = _sub(_i("ε"), *index)
    terms = [term for term in (_sum(fixed), _sum(random), noise) if term]
    return _sub(_t(response), *index) + _o("=") + _o("+").join(terms)


def _effect(k: int) -> str:
    """Return one random effect of group j."""
    return _sub(_i("b"), f"<mn>{k}</mn>", _o(","), _i("j"))


def _dotted(entries: Sequence[str]) -> str:
    """Return entries with commas between them, in brackets."""
    shown = [*entries[:_MOST_TERMS], *(["<mi>⋯</mi>"] if len(entries) > _MOST_TERMS else [])]
    return _o("(") + _o(",").join(shown) + _o(")")


def _covariance(parts: _Parts) -> list[str]:
    """Return the law of the random effects, and what its matrices are."""
    zero, size = "<mn>0</mn>", len(parts.effects)
    if size == 1:
        variance = f"<msubsup>{_i('τ')}<mn>0</mn><mn>2</mn></msubsup>"
        return [_effect(0) + _o("∼") + _normal(zero, variance)]
    vector = f"<msup>{_row(_dotted([_effect(k) for k in range(size)]))}{_i('⊤')}</msup>"
    sds = [_sub(_i("τ"), f"<mn>{k}</mn>") for k in range(size)]
    lines = [
        vector + _o("∼") + _normal(zero, _i("D") + _i("R") + _i("D")),
        _i("D") + _o("=") + '<mi mathvariant="normal">diag</mi>' + _dotted(sds),
    ]
    if not parts.pairs:
        return [*lines, _i("R") + _o("=") + _i("I")]
    return [*lines, _sub(_i("R"), _i("k"), _i("l")) + _o("=") + _sub(_i("ρ"), _i("k"), _i("l"))]


def model_mathematics(labels: Sequence[str], response: str = "y") -> dict[str, object]:
    """Return the lines of a model as MathML, and its symbols beside their labels.

    Parameters
    ----------
    labels
        Flat labels of all parameters.
    response
        Name of the response.

    Returns
    -------
    dict
        ``lines``: safe MathML; ``symbols``: (symbol, label) pairs; ``group``: what ``j`` counts.
    """
    parts = _parts(labels)
    lines = [_mean(parts, response)]
    if parts.effects:
        lines += _covariance(parts)
    noise = _sub(_i("ε"), _i("i"))
    lines.append(noise + _o("∼") + _normal("<mn>0</mn>", f"<msup>{_i('σ')}<mn>2</mn></msup>"))
    return {"lines": [_math(line) for line in lines], "symbols": _symbols(parts), "group": parts.factor}


def _symbols(parts: _Parts) -> list[tuple[str, str]]:
    """Return which symbol is which parameter."""
    subscript = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
    place = {effect: k for k, effect in enumerate(parts.effects)}
    found = [(f"β{str(k).translate(subscript)}", f"beta[{name}]") for k, name in enumerate(parts.coefs)]
    found += [(f"τ{str(k).translate(subscript)}", f"sd_{parts.factor}[{name}]") for k, name in enumerate(parts.effects)]
    for pair in parts.pairs:
        first, _, second = pair.partition(", ")
        index = f"{place.get(first, '')}{place.get(second, '')}".translate(subscript)
        found.append((f"ρ{index}", f"cor_{parts.factor}[{pair}]"))
    return [*found, ("σ", "sigma")]
