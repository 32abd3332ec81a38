"""The site: it builds without a warning, asks nothing of the network, and its links lead somewhere."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

import bayescompare as bc
from bayescompare.comparison.schema import TABLES
from bayescompare.engines.catalog import ESTIMATORS
from bayescompare.fits import Flag
from bayescompare.reporting.figures.guide import guides
from tests.docs.pages import DOCS

pytestmark = pytest.mark.filterwarnings("ignore::sphinx.deprecation.RemovedInSphinx11Warning")

#: Attributes whose address a browser fetches, by element.
FETCHED = {
    ("audio", "src"), ("embed", "src"), ("iframe", "src"), ("image", "href"), ("img", "src"), ("img", "srcset"),
    ("link", "href"), ("object", "data"), ("script", "src"), ("source", "src"), ("source", "srcset"),
    ("use", "href"), ("video", "src"),
}  # fmt: skip
#: What a style sheet or a script may fetch.
IN_FILES = re.compile(r"url\(\s*['\"]?([^)'\"]+)|@import\s+['\"]([^'\"]+)|(?:fetch|importScripts)\(\s*['\"]([^'\"]+)")


class Page(HTMLParser):
    """A page's ids, links, and the addresses that it fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if (tag, name) in FETCHED:
                self.fetched.append(value)
            elif (tag, name) == ("a", "href"):
                self.links.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory, shared):
    """Build the site once, with the runs of the notebooks that their own tests check."""
    folder, warnings = tmp_path_factory.mktemp("site"), io.StringIO()
    with patch_docutils(str(DOCS)), docutils_namespace():
        out, kept = folder / "html", folder / "doctrees"
        runs = {"notebook_cache": str(shared / "notebooks")}
        made = Sphinx(DOCS, DOCS, out, kept, "html", runs, status=None, warning=warnings, warningiserror=True)
        made.build(force_all=True)
    assert made.statuscode == 0, warnings.getvalue()
    assert not warnings.getvalue()
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site):
    """Return the pages by their path."""
    return {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}


def test_every_page_is_made(site):
    written = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md") if "_build" not in path.parts}
    assert {site / path for path in written} <= set(site.rglob("*.html"))


def test_notebooks_stand_with_what_they_print(site):
    for path in (DOCS.parent / "notebooks").glob("*.ipynb"):
        page = (site / "notebooks" / f"{path.stem}.html").read_text("utf-8")
        assert page.count('class="highlight-python') > 3
        assert page.count('class="highlight-text') + page.count('class="output-table"') > 2


def test_links_lead_somewhere(pages):
    broken = [
        f"{path.name}: {link}" for path, page in pages.items() for link in page.links if not leads(path, link, pages)
    ]
    assert broken == []


def leads(path: Path, link: str, pages: dict[Path, Page]) -> bool:
    """Whether a link is to an anchor or a file that is there, or has the form of an address elsewhere."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return parts.scheme in ("https", "http") and "." in parts.netloc and " " not in link
    address, anchor = urldefrag(link)
    target = (path.parent / unquote(address)).resolve() if address else path
    if not target.is_file():
        return False
    return not anchor or target.suffix != ".html" or unquote(anchor) in pages[target].ids


def test_no_page_fetches_anything_from_elsewhere(site, pages):
    def elsewhere(address: str) -> bool:
        parts = urlsplit(address)
        return bool(parts.netloc) or parts.scheme not in ("", "data")

    asked = [f"{path.name}: {one}" for path, page in pages.items() for one in page.fetched if elsewhere(one)]
    for path in [*site.rglob("*.css"), *site.rglob("*.js"), *pages]:
        found = IN_FILES.findall(path.read_text("utf-8"))
        asked += [f"{path.name}: {one}" for three in found for one in three if one and elsewhere(one)]
    assert asked == []
    assert not any("mathjax" in one.lower() for page in pages.values() for one in page.fetched)


def test_no_id_is_there_twice(pages):
    for path, page in pages.items():
        twice = {one for one in page.ids if page.ids.count(one) > 1}
        assert not twice, (path.name, twice)


def test_the_reference_has_every_public_name_table_estimator_and_flag(site, pages):
    of = {path.stem: page.ids for path, page in pages.items() if path.parent.name == "reference"}
    public = set(bc.__all__) - {"__version__"}
    assert {f"bayescompare.{name}" for name in public} <= set(of["python"])
    assert {f"table-{name}" for name in TABLES} <= set(of["tables"])
    assert {f"estimator-{name}" for name in ESTIMATORS} <= set(of["estimators"])
    text = (site / "reference" / "names.html").read_text("utf-8")
    assert all(f">{flag}<" in text for flag in Flag)


def test_every_flag_has_a_line_on_what_to_do():
    page = (DOCS / "how-to" / "trust-a-fit.md").read_text("utf-8")
    told = set(re.findall(r"`(\w+)`", page.partition("| flag | what to do |")[2].partition("```{flags}")[0]))
    assert told >= set(map(str, Flag)), set(map(str, Flag)) - told


def test_every_plot_has_a_picture_and_a_section():
    """The functions that draw panels are the plots there are."""
    page = (DOCS / "plots.md").read_text("utf-8")
    for source in (DOCS.parent / "bayescompare" / "reporting" / "figures").glob("*.py"):
        for name in re.findall(r"^def ([a-z]\w*)_panel\(", source.read_text("utf-8"), re.MULTILINE):
            assert (DOCS / "pictures" / f"{name}.svg").exists(), name
            assert f"](pictures/{name}.svg)" in page
    pictures = {path.name for path in (DOCS / "pictures").glob("*.svg")}
    assert pictures == set(re.findall(r"\]\(pictures/(\w+\.svg)\)", page))


def test_plots_are_read_in_the_words_of_the_reports():
    script = spec_from_file_location("docs_plots", DOCS.parent / "scripts" / "docs_plots.py")
    words = module_from_spec(script)
    script.loader.exec_module(words)
    page = words.PAGE.read_text("utf-8")
    assert words.renewed(page) == page, "python scripts/docs_plots.py writes it again"
    named = " ".join(re.findall(r"<!-- guide: ([\w -]+?) -->", page)).split()
    assert sorted(named) == sorted(guides())
    assert all(guide.caption in page and guide.wrong[1:] in page for guide in guides().values())
