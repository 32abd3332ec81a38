"""What a wrong, hostile or unsupported formula is answered."""

import pytest

from bayescompare.data import Dataset
from bayescompare.errors import DataError, FormulaError, ModelError
from bayescompare.formula import parse
from bayescompare.model_frame import model_frame

pd = pytest.importorskip("pandas")


@pytest.fixture
def data() -> Dataset:
    frame = pd.DataFrame({"y": [1.0, 2, 4, 3, 5, 7, 6, 9], "days": range(8), "g": list("aabbccdd")})
    return Dataset(frame=frame, name="trial")


def caret(error: Exception) -> int:
    return str(error).splitlines()[-1].index("^") - 4


def test_fault_01_missing_column_names_near_ones(data):
    with pytest.raises(DataError, match=r"trial has no column 'Day'\. Did you mean 'days'\?"):
        model_frame("y ~ Day + (1 | g)", data)


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("", "The formula is empty", 0),
        ("   ", "The formula is empty", 0),
        ("y + x", "There is no '~'", 5),
        ("y ~ x ~ z", "There is a second '~'", 6),
        ("y ~ (x", r"This '\(' is never closed", 4),
        ("y ~ x)", r"This '\)' closes nothing", 5),
        ("y ~ {x)", r"This '\)' closes nothing", 6),
        ("y ~", "Nothing follows '~'", 2),
        ("y ~ x +", r"Nothing follows '\+'", 6),
        ("y ~ * x", r"There is nothing before '\*'", 4),
    ],
)
def test_fault_02_syntax_errors_have_a_caret(text, message, position):
    with pytest.raises(FormulaError, match=message) as caught:
        parse(text)
    assert caret(caught.value) == position


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("y ~ x x", "There is no operator before 'x'", 6),
        ("y ~ x (1 | g)", r"There is no operator before '\('|may not be called", None),
        ("y ~ x; z", "';' has no meaning", 5),
        ("y ~ x # note", "A formula takes no comments", 6),
        ("y ~ 1e5", "Outside of functions only 1|no operator", None),
        ("y ~ 2 + x", "Outside of functions only 1", 4),
    ],
)
def test_fault_03_trailing_junk(text, message, position):
    with pytest.raises(FormulaError, match=message) as caught:
        parse(text)
    assert position is None or caret(caught.value) == position


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y", "There is no '~' and hence no response"),
        ("-1 + x", "There is no '~' and hence no response"),
        ("~ x", "There is no response before '~'"),
        ("1 ~ x", "'1' is no response"),
        ("2 * 3 ~ x", r"'2 \* 3' is no response"),
        ("y, z ~ x", "'y, z' is no response"),
        ("y | se(s) ~ x", "known residual variances are not supported yet"),
        ("y | z ~ x", "not allowed in the response; what brms writes after it is not supported"),
        ("y:z ~ x", "':' is not allowed in the response"),
        ("poly(y, 2) ~ x", "cannot be the response"),
    ],
)
def test_fault_04_no_response(text, message):
    with pytest.raises(FormulaError, match=message):
        parse(text)


def test_fault_04_response_among_predictors():
    with pytest.raises(ModelError, match="'y' stands on both sides"):
        parse("y ~ x + y")


def test_fault_05_no_random_term_is_a_linear_model(data):
    frame = model_frame("y ~ days", data)
    assert frame.factor is None
    assert [note.flag for note in frame.notes] == ["no_grouping"]
    assert frame.layout.labels == ("beta[Intercept]", "beta[days]", "sigma")


def test_fault_06_double_bar_is_rewritten():
    assert [term.names for term in parse("y ~ (x || g)").terms] == [("Intercept",), ("x",)]


@pytest.mark.parametrize("text", ["(1|g)+(1|g)", "(1 + x|g)+(0 + x|g)", "(x||g)+(1|g)", "(1|a:b)+(1|b:a)"])
def test_fault_07_overlapping_terms(text):
    with pytest.raises(ModelError, match="not identifiable"):
        parse(f"y ~ {text}")


@pytest.mark.parametrize("text", ["(1|g) + (1|h)", "(1|a/b)", "(1|g + h)", "(1|g*h)"])
def test_several_factors_are_not_supported_yet(text):
    with pytest.raises(ModelError, match="Several grouping factors are not supported yet"):
        parse(f"y ~ {text}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ x | g", "does not belong to a random term"),
        ("y ~ (x + (1 | g))", "does not belong to a random term"),
        ("y ~ (1 | g) * x", "does not belong to a random term"),
        ("y ~ x - (1 | g)", "does not belong to a random term"),
        ("y ~ (1 | C(g))", r"After '\|' stands a column"),
        ("y ~ (1 | x | g)", r"second '\|'"),
        ("y ~ (0 | g)", "has no effects"),
    ],
)
def test_misplaced_random_terms(text, message):
    with pytest.raises(FormulaError, match=message):
        parse(text)


@pytest.mark.parametrize(
    "text", ["y ~ x^2", "y ~ x**2", "y ~ x**2.5", "y ~ (a + b)^99", "y ~ log(x)^2", "y ~ (x)^2", "y ~ ((log(x + 1)))^2"]
)
def test_powers_that_would_be_misread(text):
    with pytest.raises(FormulaError, match=r"square of a column|exponent"):
        parse(text)


def test_fault_26_offset_says_not_supported():
    with pytest.raises(FormulaError, match=r"'offset\(\)': an offset is not supported yet"):
        parse("y ~ x + offset(z) + (1 | g)")


HOSTILE = [
    "os.system('touch {path}') ~ x",
    "y ~ os.system('touch {path}')",
    "y ~ x + os.system('touch {path}')",
    "y ~ (os.system('touch {path}') | g)",
    "y ~ (1 | os.system('touch {path}'))",
    "y ~ __import__('os')",
    "y ~ {{__import__('os').system('touch {path}')}}",
    "y ~ I(os.system('touch {path}'))",
    "y ~ np.load(x)",
    "y ~ eval('1')",
    "y ~ open('{path}', 'w')",
    "y ~ `os`.system('touch {path}')",
    "y ~ `os.system`('touch {path}')",
    "y ~ C(x)(y)",
    "y ~ log(x).tofile('{path}')",
    "y ~ x.__class__",
    "y ~ x['a']",
    "y ~ [x for x in y]",
    "y ~ (lambda q: q)(x)",
    "y ~ hostile(x)",
    'y ~ I(__import__("os").system("touch {path}"))',
    'y ~ ns(x, df=__import__("os").system("touch {path}"))',
    "y ~ np.os.system('touch {path}')",
    "y ~ np.log.__class__(x)",
    "y ~ I(x.__class__)",
    "y ~ I(x).system('touch {path}')",
    "y ~ bs(x, knots=c(open('{path}', 'w')))",
    "y ~ C(x, open('{path}', 'w'))",
    "y ~ factor(x, levels=exec('1'))",
    "y ~ I(lambda: x)",
    "y ~ I(x for x in y)",
    "y ~ I([x for x in y])",
    "y ~ I(x := 3)",
    "y ~ I(f'{{x}}')",
    "y ~ I(x[0])",
    "y ~ I(x if x else y)",
    "y ~ I(x and y)",
    "y ~ I(x @ y)",
    "y ~ c(x)(y)",
    "y ~ I(x)(y)",
    "y ~ as.os.system('touch {path}')",
    "y ~ scale(x, **x)",
    "y ~ `np.os`('touch {path}')",
    "y ~ log(hostile('a'))",
]


@pytest.mark.parametrize("template", HOSTILE)
def test_fault_56_hostile_formula_runs_nothing(template, tmp_path, data):
    path = tmp_path / "ran"
    with pytest.raises((FormulaError, ModelError)):
        parse(template.format(path=path))
    with pytest.raises((FormulaError, ModelError)):
        model_frame(template.format(path=path), data)
    assert not path.exists()


def test_fault_56_names_of_the_caller_are_no_data(data):
    secret = [1.0] * 8
    assert len(secret) == 8
    with pytest.raises(DataError, match="no column 'secret'"):
        model_frame("y ~ log(secret) + (1 | g)", data)


EXHAUSTING = [
    "{9**9**9**9}",
    "{((9**9)**9)**9}",
    "I(9^9^9^9)",
    "I(9^9^9^9 * days)",
    "I(days^9^9^9^9)",
    "I('a' * 999999999999999)",
    "I(g * 999999999999)",
    "I(c(1, 2) * 999999999999)",
    "ns(days, df=999999999)",
    "bs(days, df=5, degree=999999999)",
    "poly(days, 999999999)",
    "(" * 500,
    "I(" * 19 + "days",
    "-" * 1900,
    "I(" + "-" * 1900 + "days)",
    "I(" + "-" * 40 + "days)",
    "I(days" + "^2" * 900 + ")",
    "days + " * 300,
    "days" * 600,
]


@pytest.mark.parametrize("term", EXHAUSTING)
def test_fault_56_exhausting_formula(term, data):
    with pytest.raises((FormulaError, DataError)):
        model_frame(f"y ~ {term}", data)


def test_fault_56_names_with_dots_are_columns_and_no_attributes(data):
    for name in ("np.os", "x.T", "days.values", "os.path"):
        with pytest.raises(DataError, match=f"no column {name!r}"):
            model_frame(f"y ~ {name}", data)
        with pytest.raises(DataError, match=f"no column {name!r}"):
            model_frame(f"y ~ log({name})", data)


@pytest.mark.parametrize("name", ["chain", "draw", "coef", "sample", "obs", "a/b", "x[1]"])
def test_fault_63_reserved_names_of_grouping_columns(name):
    with pytest.raises(FormulaError, match="rename"):
        parse(f"y ~ (1 | `{name}`)")
    assert parse(f"y ~ `{name}` + (1 + `{name}` | g)").predictors == (name,)
    assert parse(f"`{name}` ~ x").response_name == name


@pytest.mark.parametrize("name", ["beta", "sigma"])
def test_fault_63_factors_named_as_parameters(name):
    with pytest.raises(FormulaError, match="rename"):
        parse(f"y ~ (1 | {name})")
    assert parse(f"y ~ {name}").factor is None


def test_fault_63_unused_columns_may_have_any_name(data):
    frame = data.frame.assign(**{"chain": 1, "a/b": 2})
    assert model_frame("y ~ days + (1 | g)", Dataset(frame=frame, name="trial")).coefs == ("Intercept", "days")


SPELLINGS = [
    ("us(1 + x | g)", "write (1 + x | g)"),
    ("diag(1 + x | g)", "write (1 + x || g)"),
    ("zerocorr(1 + log(x) | g)", "write (1 + log(x) || g)"),
    ("cs(x | g)", "compound symmetry is not supported; with a correlation for each pair write (x | g)"),
    ("(1 | factor(g))", "a column without a function, as in (1 | g)"),
    ("(1 + x |p| g)", "(1 |p| g) of brms is (1 | g) here"),
    ("x > 2", "as in I(x > 2)"),
    ("I(x = 2)", "write == to compare, as in I(x == 2)"),
    ("I(1 < x < 3)", "write I((x > 1) * (x < 3)) for both"),
    ("I(x & z)", "write I((a > 1) * (b > 1)) for both"),
    (".", "name the predictors"),
    ("s(x)", "write ns(x, df=3) or bs(x, df=4)"),
    ("I(x > 2) * TRUE", "'TRUE' is not allowed here"),
]


@pytest.mark.parametrize(("term", "hint"), SPELLINGS)
def test_a_spelling_that_is_refused_shows_the_right_one(term, hint):
    with pytest.raises(FormulaError) as caught:
        parse(f"y ~ {term}")
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("y ~ dose (mg/L) + (1 | g)", "y ~ `dose (mg/L)` + (1 | g)"),
        ("y ~ log(dose (mg/L)) * days", "y ~ log(`dose (mg/L)`) * days"),
        ("y ~ a/b + days", "y ~ `a/b` + days"),
        ("y ~ days + (1 | school id)", "y ~ days + (1 | `school id`)"),
        ("y ~ 2nd + C(g, '2nd')", "y ~ `2nd` + C(g, '2nd')"),
        ("y ~ _private", "y ~ `_private`"),
        ("y ~ None", "y ~ `None`"),
        ("y ~ x-ray-dose + x-ray", "y ~ `x-ray-dose` + `x-ray`"),
    ],
)
def test_a_name_without_its_backticks_is_shown_with_them(data, text, mended):
    odd = ["dose (mg/L)", "a/b", "2nd", "_private", "None", "x-ray", "x-ray-dose"]
    frame = data.frame.assign(**dict.fromkeys(odd, data.frame["days"]), **{"school id": data.frame["g"]})
    with pytest.raises(FormulaError, match="backticks") as caught:
        model_frame(text, Dataset(frame=frame, name="trial"))
    assert str(caught.value).splitlines()[-1].strip() == mended


def test_backticks_are_not_proposed_where_they_do_not_help(data):
    frame = data.frame.assign(**{"a b": 1.0, "1": 2.0})
    with pytest.raises(DataError, match="no column 'Day'"):
        model_frame("y ~ 1 + Day", Dataset(frame=frame, name="trial"))


@pytest.mark.parametrize(
    "dates", [["2020-01-01", "2020-02-03"], ["3.1.2020", "4.12.2020"], ["2020-01-01T10:00:00Z"] * 2]
)
def test_dates_as_text_say_how_to_make_them_numbers(data, dates):
    frame = data.frame.assign(t=dates * 4)
    for text in ("y ~ t + (1 | g)", "t ~ days"):
        with pytest.raises(DataError, match=r"t is a column of dates, such as .*days since the first"):
            model_frame(text, Dataset(frame=frame, name="trial"))
    if dates[0] != dates[1]:
        assert model_frame("y ~ C(t) + (1 | g)", Dataset(frame=frame, name="trial")).coefs[1].startswith("C(t)[")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({"treatment": "placbo"}, "'placbo' is no level of 'treatment'. Did you mean 'placebo'?"),
        ({"treatmnt": "placebo"}, "no predictor in 'y ~ treatment + days'.Did you mean 'treatment'?"),
        ({"days": "3"}, "write C(days, 3) in the formula"),
        ({"g": "a"}, "'g', which is no predictor"),
    ],
)
def test_a_reference_that_is_none_says_what_there_could_be(data, reference, message):
    frame = data.frame.assign(treatment=["drug", "placebo"] * 4)
    with pytest.raises(FormulaError) as caught:
        model_frame("y ~ treatment + days", Dataset(frame=frame, name="trial"), reference=reference)
    assert message.replace(".Did", ". Did") in str(caught.value)


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("C(g, 'z')", "'z' is no level of 'g'"),
        ("T(g, 'z')", "'z' is no level of 'g'"),
        ("factor(g, levels=c('a', 'b'))", "levels= names 2 of the 4 levels of 'g'"),
        ("ns(days, df=2.5)", "ns() has df=2.5; here it is a whole number from 1 to 200"),
        ("ns(days, df=0)", "df=0"),
        ("ns(days, knots=c(2, 99))", "they lie between 0 and 7"),
        ("ns(g, df=3)", "ns() is for one column of numbers"),
        ("bs(days, df=2)", "from 3 to 200"),
        ("poly(days, 8)", "from 1 to 7"),
        ("bs(days, df=4, df=5)", "has an argument twice"),
        ("I(g + 1)", "'g' is no number"),
        ("I(2)", "has no value of its own in each row"),
        ("c(1, 2)", "has no value of its own in each row"),
        ("scale(days, 1, 2, 3)", "Cannot evaluate"),
    ],
)
def test_arguments_that_cannot_be_used_say_why(data, term, message):
    with pytest.raises(FormulaError) as caught:
        model_frame(f"y ~ {term}", data)
    assert message in str(caught.value)
