"""Formula text to terms."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayescompare.errors import FormulaError, ModelError
from bayescompare.formula import Formula, parse


def names(text: str) -> list[tuple[str, ...]]:
    return [term.names for term in parse(text).terms]


def test_parts_of_a_formula():
    formula = parse("reaction ~ 1 + days + (1 + days | subject)")
    assert (formula.response, formula.common, formula.factor) == ("reaction", "1 + days", "subject")
    assert formula.columns == ("reaction", "days", "subject")
    assert names("reaction ~ 1 + days + (1 + days | subject)") == [("Intercept", "days")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y ~ (x | g)", [("Intercept", "x")]),
        ("y ~ (0 + x | g)", [("x",)]),
        ("y ~ (x - 1 | g)", [("x",)]),
        ("y ~ (-1 + x | g)", [("x",)]),
        ("y ~ (1 | g) + (0 + x | g)", [("Intercept",), ("x",)]),
        ("y ~ (x || g)", [("Intercept",), ("x",)]),
        ("y ~ (1 + x || g)", [("Intercept",), ("x",)]),
        ("y ~ (0 + x + z || g)", [("x",), ("z",)]),
        ("y ~ (x * z || g)", [("Intercept",), ("x",), ("z",), ("x:z",)]),
        ("y ~ (poly(x, 2) | g)", [("Intercept", "poly(x, 2)")]),
        ("y ~ x", []),
    ],
)
def test_random_terms_follow_lme4(text, expected):
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "common"),
    [
        ("y ~ (1 | g)", "1"),
        ("y ~ (1 | g) + x", "x"),
        ("y ~ (1 | g) - 1", "1 - 1"),
        ("y ~ 0 + x + (1 | g) + z", "0 + x + z"),
        ("y ~ a*b - a:b + (1 | g)", "a*b - a:b"),
    ],
)
def test_common_part_is_what_remains(text, common):
    assert parse(text).common == common


def test_interaction_factor_has_one_name():
    assert parse("y ~ (1 | a:b)").factor == "a_b"
    assert parse("y ~ (1 | a:b) + (0 + x | b:a)").grouping == ("a", "b")


def test_columns_leave_out_functions_arguments_and_contrasts():
    formula = parse("log(y) ~ bs(x, df=4) + C(f, Sum) + `odd name` + (a + b)**2 + {u / v} + (center(z) | g)")
    assert formula.columns == ("y", "x", "f", "odd name", "a", "b", "u", "v", "z", "g")
    assert formula.encoded == ("f",)


def test_equal_texts_give_equal_formulas():
    assert parse("y ~ x + (x | g)") == parse("y ~ x + (x | g)")
    assert str(parse("y ~ x")) == "y ~ x"


@pytest.mark.parametrize("text", ["y ~ " + "+".join("abcdefgh") * 3, "y ~ (((((x)))))", "y~x\n+ z", "  y ~ x  "])
def test_odd_but_valid(text):
    assert parse(text).response == "y"


def test_number_of_terms_is_bounded():
    with pytest.raises(FormulaError, match="at most 200"):
        parse("y ~ " + "*".join("abcdefghij"))
    with pytest.raises(FormulaError, match="at most 200"):
        parse("y ~ +(" + "*".join("abcdefghij") + ")")


SYMBOLS = ["~", "+", "-", "*", "**", "/", ":", "|", "||", "(", ")", "{", "}", ",", "=", "0", "1", "2"]
WORDS = ["y", "x", "g", "`a b`", "'a'", "True", "(1 | g)", "(x | g)", " "]
CALLS = ["C(", "log(", "poly(", "bs(", "I(", "T(", "os.system("]
PIECES = st.lists(st.sampled_from(SYMBOLS + WORDS + CALLS), max_size=14).map("".join)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.one_of(PIECES, PIECES.map("y ~ x + ".__add__), st.text(string.printable, max_size=30), st.text(max_size=20)))
def test_any_text_is_parsed_or_refused(text):
    try:
        formula = parse(text)
    except (FormulaError, ModelError):
        return
    assert isinstance(formula, Formula)
    assert parse(formula.text) == formula
