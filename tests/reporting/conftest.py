"""Pages that several modules read, made once in a process."""

from __future__ import annotations

import pytest

from bayescompare.comparison.results import Results
from bayescompare.reporting.render import page
from tests.reporting.samples import own_data, study


@pytest.fixture(scope="session")
def small_study() -> Results:
    """Return a study of two scenarios; not to be changed."""
    return study()


@pytest.fixture(scope="session")
def small_study_html(small_study: Results) -> str:
    return page(small_study)


@pytest.fixture(scope="session")
def own_html() -> str:
    """Return the page of a comparison on one data set."""
    return page(own_data())
