"""Formula text to terms, without data: `y ~ x + (1 + x | g)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bayescompare.errors import FormulaError, ModelError
from bayescompare.formula.parts import (
    body_of,
    columns_of,
    effect_sides,
    encoded_columns,
    is_bare,
    is_random,
    items,
    joined,
    name_of,
    only_tilde,
    refuse_stray_bar,
    response_source,
    source,
)
from bayescompare.formula.scan import scan
from bayescompare.formula.terms import describe, term_names
from bayescompare.formula.tokens import Token, refuse

__all__ = ["Formula", "RandomTerm", "parse"]

_RESERVED = frozenset({"chain", "draw", "coef", "sample", "obs", "beta", "sigma"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomTerm:
    """One block of correlated random effects, ``(effects | factor)``.

    Parameters
    ----------
    effects
        Left side of the bar, as written.
    names
        Names of the terms on the left side, ``Intercept`` for an intercept written or implied.
    part
        Position of the only term of the left side that this block holds, where ``||`` made the
        terms independent; None where the block holds all of them.
    """

    effects: str
    names: tuple[str, ...]
    part: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A formula taken apart; equal texts give equal formulas.

    Parameters
    ----------
    text
        The formula as written.
    response
        Left side of ``~``, as written; within ``I()`` where it is arithmetic.
    common
        Right side without the random terms.
    terms
        Blocks of random effects, all of one factor.
    grouping
        Columns that make the factor: one, or those of ``a:b``; empty without random terms.
    response_columns
        Columns used in the response.
    predictors
        Columns used on the right side, other than as grouping.
    encoded
        Columns used within ``C()``, ``factor()`` and the like, whose values become labels.
    """

    text: str
    response: str
    common: str
    terms: tuple[RandomTerm, ...]
    grouping: tuple[str, ...]
    response_columns: tuple[str, ...]
    predictors: tuple[str, ...]
    encoded: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns used: response, predictors, grouping."""
        return tuple(dict.fromkeys((*self.response_columns, *self.predictors, *self.grouping)))

    @property
    def response_name(self) -> str:
        """The response as results name it: a column without backticks, a function as written."""
        return self.response.strip("`")

    @property
    def factor(self) -> str | None:
        """Name of the grouping factor, ``a_b`` for ``a:b``; None without random terms."""
        return "_".join(self.grouping) or None

    def __str__(self) -> str:
        """Return the formula as written."""
        return self.text


@lru_cache(maxsize=256)
def parse(text: str) -> Formula:
    """Return the terms of a formula; nothing in it is evaluated.

    Intercepts are implied as in lme4: ``y ~ x`` and ``(x | g)`` have one, ``0 + x`` has none.
    ``(1 + x || g)`` is read as ``(1 | g) + (0 + x | g)``.

    Parameters
    ----------
    text
        The formula.

    Raises
    ------
    FormulaError
        Where the text cannot be read or asks for something that is not allowed, with its position.
    ModelError
        Where the random terms overlap or have different grouping factors.
    """
    tokens = scan(text)
    tilde = only_tilde(text, tokens)
    left, right = tokens[:tilde], list(items(tokens[tilde + 1 :]))
    response = response_source(text, left)
    random = right if is_bare(right) else [item for item in right if is_random(item)]
    fixed = [item for item in right if item not in random]
    for item in fixed:
        refuse_stray_bar(text, item)
    common = joined(text, fixed)
    _check_common(text, response, common)
    split = [_split_random(text, item) for item in random]
    grouping = _one_grouping(text, [factor for _, _, factor in split])
    terms = tuple(term for effects, double, _ in split for term in _blocks(text, effects, double))
    _refuse_overlap(terms, grouping)
    formula = Formula(
        text=text,
        response=response,
        common=common,
        terms=terms,
        grouping=grouping,
        response_columns=columns_of([left]),
        predictors=columns_of([*fixed, *effect_sides(random)]),
        encoded=encoded_columns(tokens),
    )
    _check_factor(formula.factor, formula.grouping)
    return formula


def _check_common(text: str, response: str, common: str) -> None:
    describe(f"{response} ~ 1", text)
    if response in term_names(common, text):
        raise ModelError(f"The response {response!r} stands on both sides of {text!r}; take it out of the predictors.")


def _split_random(text: str, item: Sequence[Token]) -> tuple[str, bool, tuple[str, ...]]:
    """Return the effects, whether they are independent, and the grouping columns of ``(effects | factor)``."""
    body = body_of(item)
    bars = [index for index, token in enumerate(body) if token.kind == "PIPE"]
    double = len(bars) == 2 and bars[1] == bars[0] + 1
    if len(bars) > 1 and not double:
        raise refuse(
            text, body[bars[1]].start, "There is a second '|' in one random term; (1 |p| g) of brms is (1 | g) here"
        )
    return source(text, body[: bars[0]]), double, _grouping(text, body[bars[-1] + 1 :])


def _grouping(text: str, tokens: Sequence[Token]) -> tuple[str, ...]:
    """Return the columns of ``g`` or ``a:b``."""
    if not tokens:
        raise FormulaError(f"There is no grouping factor after '|' in {text!r}.")
    for position, token in enumerate(tokens):
        if token.kind in {"SLASH", "STAR", "PLUS"}:
            raise ModelError(_several(text, source(text, tokens)))
        if token.kind == "LEFT_PAREN" and position:
            raise refuse(text, token.start, "After '|' stands a column without a function, as in (1 | g)")
        if token.kind not in ({"COLON"} if position % 2 else {"IDENTIFIER", "BQNAME"}):
            raise refuse(text, token.start, "After '|' stands a column, or columns joined by ':' as in (1 | a:b)")
    return tuple(dict.fromkeys(name_of(token) for token in tokens[::2]))


def _several(text: str, factors: str) -> str:
    return (
        f"Several grouping factors are not supported yet ({factors} in {text!r}); "
        "keep one factor, or group by the combination, as in (1 | a:b)."
    )


def _one_grouping(text: str, groupings: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    if len({frozenset(grouping) for grouping in groupings}) > 1:
        raise ModelError(_several(text, " and ".join(dict.fromkeys(":".join(names) for names in groupings))))
    return groupings[0] if groupings else ()


def _blocks(text: str, effects: str, double: bool) -> tuple[RandomTerm, ...]:
    names = term_names(effects, text)
    if not names:
        raise FormulaError(f"The random term with {effects!r} before its bar has no effects; write (1 | g) or (x | g).")
    if not double:
        return (RandomTerm(effects=effects, names=names),)
    return tuple(RandomTerm(effects=effects, names=(name,), part=part) for part, name in enumerate(names))


def _refuse_overlap(terms: Sequence[RandomTerm], grouping: Sequence[str]) -> None:
    names = [name for term in terms for name in term.names]
    for name in names:
        if names.count(name) > 1:
            raise ModelError(
                f"The model is not identifiable: the random effect {name!r} stands in more than one term of "
                f"{':'.join(grouping)!r}; keep it in one of them."
            )


def _check_factor(factor: str | None, grouping: Sequence[str]) -> None:
    """Refuse a factor that would collide with the dims and variables of the result."""
    if factor in _RESERVED:
        raise FormulaError(f"The name {factor!r} of a grouping factor is taken by the results; rename the column.")
    for name in grouping:
        bad = [character for character in name if character in "/[]"]
        if bad:
            raise FormulaError(f"The grouping column {name!r} contains {bad[0]!r}, which labels use; rename it.")
