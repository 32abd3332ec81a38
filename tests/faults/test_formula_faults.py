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
        ("y + z ~ x", r"'y \+ z' is no response"),
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


@pytest.mark.parametrize("text", ["y ~ x**2", "y ~ x**2.5", "y ~ (a + b)**99", "y ~ {x**99}", "y ~ {2**x}"])
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


@pytest.mark.parametrize("text", ["y ~ {9**9**9**9}", "y ~ {((9**9)**9)**9}", "y ~ " + "(" * 500, "y ~ " + "-" * 1900])
def test_fault_56_exhausting_formula(text, data):
    with pytest.raises(FormulaError):
        model_frame(text, data)


@pytest.mark.parametrize("name", ["chain", "draw", "coef", "sample", "a/b", "x[1]"])
@pytest.mark.parametrize("template", ["y ~ `{}`", "y ~ (1 | `{}`)", "`{}` ~ x"])
def test_fault_63_reserved_names(name, template):
    with pytest.raises(FormulaError, match="rename"):
        parse(template.format(name))


@pytest.mark.parametrize("name", ["beta", "sigma"])
def test_fault_63_factors_named_as_parameters(name):
    with pytest.raises(FormulaError, match="rename"):
        parse(f"y ~ (1 | {name})")
    assert parse(f"y ~ {name}").factor is None


def test_fault_63_unused_columns_may_have_any_name(data):
    frame = data.frame.assign(**{"chain": 1, "a/b": 2})
    assert model_frame("y ~ days + (1 | g)", Dataset(frame=frame, name="trial")).coefs == ("Intercept", "days")
