"""Pictures as SVG within the page, so that they have the page's colours, light and dark, and its text can be found."""

import re
from importlib.resources import files
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

_WIDTH = re.compile(r'viewBox="0 0 ([\d.]+) ')
_IDS = re.compile(r'(\bid="|url\(#|href="#)')
_OWN_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_ROOT = re.compile(r":root \{(.*?)\}", re.DOTALL)


class InlineSvg(SphinxPostTransform):
    """Put the content of each local SVG in the place of its image."""

    default_priority = 5
    formats = ("html",)

    def run(self) -> None:
        """Replace the images of a page."""
        for image in list(self.document.findall(nodes.image)):
            uri = image["uri"]
            if uri.endswith(".svg") and "://" not in uri:
                image.replace_self(_inlined(Path(self.env.srcdir, uri)))


def _inlined(path: Path) -> nodes.raw:
    # several pictures of one page may have an id in common
    svg = _IDS.sub(rf"\g<1>{path.stem}-", _OWN_STYLE.sub("", path.read_text("utf-8")))
    width = _WIDTH.search(svg)
    assert width, f"{path} has no viewBox"
    return nodes.raw("", f'<div class="plot-frame" style="--width: {width[1]}px">{svg}</div>', format="html")


def write_palette(app: Sphinx) -> None:
    """Write the colours of the report's style sheet for the light and the dark form of this site."""
    report = (files("bayescompare.reporting") / "templates" / "report.css").read_text("utf-8")
    light, dark = _ROOT.findall(report)
    folder = Path(app.outdir, "_static")
    folder.mkdir(parents=True, exist_ok=True)
    rules = (
        f"body {{{light}}}\n"
        f'@media (prefers-color-scheme: dark) {{ body:not([data-theme="light"]) {{{dark}}} }}\n'
        f'body[data-theme="dark"] {{{dark}}}\n'
    )
    (folder / "palette.css").write_text(rules, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the transform."""
    app.add_post_transform(InlineSvg)
    app.connect("builder-inited", write_palette)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
