"""Formula text to terms."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayescompare.errors import FormulaError, ModelError
from bayescompare.formula import Formula, parse
from bayescompare.formula.functions import FUNCTIONS
from bayescompare.formula.terms import term_names
from bayescompare.model_frame.functions import TABLE


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y ~ I(x^2)", ("Intercept", "I(x^2)")),
        ("y ~ {x**2}", ("Intercept", "I(x ** 2)")),
        ("y ~ I((a + b) / (a - b))", ("Intercept", "I((a + b) / (a - b))")),
        ("y ~ I(week>2)", ("Intercept", "I(week > 2)")),
        ("y ~ I(x / 1e3)", ("Intercept", "I(x / 1000)")),
        ("y ~ (a + b)^2", ("Intercept", "a", "b", "a:b")),
        ("y ~ a & b", ("Intercept", "a:b")),
        ("y ~ b %in% a", ("Intercept", "b:a")),
        ("y ~ Petal.Length + my.col:x", ("Intercept", "Petal.Length", "my.col:x")),
        ("y ~ C(f, 'b') + as.factor(g)", ("Intercept", "C(f)", "as.factor(g)")),
        ("y ~ relevel(factor(f), ref = 'b')", ("Intercept", "relevel(factor(f))")),
        ("y ~ ns(x, knots = c(2, 5))", ("Intercept", "ns(x, knots=c(2, 5))")),
        ("y ~ scale(x, scale = FALSE)", ("Intercept", "scale(x, scale=False)")),
    ],
)
def test_terms_have_the_names_that_were_typed(text, expected):
    assert term_names(parse(text).common, text) == expected


@pytest.mark.parametrize(
    ("text", "response", "common"),
    [
        ("Yield ~ 1|Batch", "Yield", "1"),
        ("log(y) ~ x", "log(y)", "x"),
        ("1000 / reaction ~ 1 + days", "I(1000 / reaction)", "1 + days"),
        ("y^2 - 1 ~ x", "I(y^2 - 1)", "x"),
        ("y + z ~ x", "I(y + z)", "x"),
    ],
)
def test_sides_as_lme4_reads_them(text, response, common):
    formula = parse(text)
    assert (formula.response, formula.common) == (response, common)


def test_a_term_without_brackets_is_the_intercept_of_groups_alone():
    assert parse("Yield ~ 1|Batch").terms == parse("Yield ~ 1 + (1 | Batch)").terms
    assert parse("Yield ~ 1|a:b").grouping == ("a", "b")
    for text in ("y ~ x + 1 | g", "y ~ x | g", "y ~ 1 | g + x"):
        with pytest.raises(FormulaError, match="does not belong to a random term"):
            parse(text)


def test_every_function_that_may_be_called_is_there_and_no_other():
    assert set(TABLE) == FUNCTIONS


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
SYMBOLS += ["^", "<", ">=", "==", "!=", "&", "%in%", ".", "1e3", "2L"]
WORDS = ["y", "x", "g", "`a b`", "'a'", "True", "TRUE", "my.col", "(1 | g)", "(x | g)", " "]
CALLS = ["C(", "log(", "poly(", "bs(", "I(", "T(", "os.system(", "c(", "ns(", "factor(", "np.log(", "us("]
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
