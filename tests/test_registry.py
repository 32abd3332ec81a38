"""Names that packages may add."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from bayescompare import registry
from bayescompare.errors import PriorError, did_you_mean
from bayescompare.registry import Registry


def only_numbers(candidate, name) -> None:
    if not isinstance(candidate, int):
        raise PriorError(f"{candidate!r} is no number")


@pytest.fixture
def numbers() -> Registry[int]:
    made: Registry[int] = Registry(kind="number", group="bayescompare.numbers", check=only_numbers, error=PriorError)
    made.add("two", 2)
    made.add("one", 1)
    return made


def plug(monkeypatch, **points: str) -> None:
    found = [EntryPoint(name=name, value=value, group="bayescompare.numbers") for name, value in points.items()]
    monkeypatch.setattr(registry, "entry_points", lambda group: found)


def test_names_are_sorted(numbers):
    assert list(numbers) == ["one", "two"]
    assert numbers.get("one") == 1


def test_an_unknown_name_has_a_hint(numbers):
    with pytest.raises(PriorError, match=r"There is no number named 'tow'\. Did you mean 'two'?"):
        numbers.get("tow")
    with pytest.raises(PriorError, match=r"There is no number named 'xyz'\. Known: one, two"):
        numbers.get("xyz")


def test_a_name_is_taken_once(numbers):
    numbers.add("one", numbers.get("one"))
    with pytest.raises(PriorError, match="The number 'one' is already registered"):
        numbers.add("one", 11)
    assert numbers.get("one") == 1


def test_what_is_not_of_the_kind_is_refused(numbers):
    with pytest.raises(PriorError, match="'x' is no number"):
        numbers.add("three", "x")
    assert "three" not in list(numbers)


def test_other_packages_are_loaded_when_they_are_needed(numbers, monkeypatch):
    plug(monkeypatch, biggest="sys:maxsize", broken="no.such.module:thing")
    assert list(numbers) == ["biggest", "broken", "one", "two"]
    assert numbers.get("biggest") > 10**9
    assert numbers.get("one") == 1


def test_fault_33_a_package_that_fails_names_its_entry_point(numbers, monkeypatch):
    plug(monkeypatch, broken="no.such.module:thing", text="sys:platform")
    with pytest.raises(PriorError, match=r"'broken' of entry point 'no\.such\.module:thing' cannot be used"):
        numbers.get("broken")
    with pytest.raises(PriorError, match=r"entry point 'sys:platform' cannot be used: .* is no number"):
        numbers.get("text")


def test_fault_33_our_own_names_win(numbers, monkeypatch):
    plug(monkeypatch, one="sys:maxsize")
    assert numbers.get("one") == 1
    assert list(numbers) == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("Day", ["days", "subject"], " Did you mean 'days'?"),
        ("DAYS", ["days", "Days"], " Did you mean 'days'?"),
        ("zz", ["z", "zzz"], " Known: z, zzz."),
        ("X", ["x", "xx"], " Did you mean 'x'?"),
        ("q", ["alpha", "beta"], " Known: alpha, beta."),
        ("q", [], ""),
    ],
)
def test_did_you_mean(name, known, expected):
    assert did_you_mean(name, known) == expected
