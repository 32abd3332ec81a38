"""Pictures as SVG within the page, so that they have the page's colours, light and dark, and its text can be found."""

import re
from importlib.resources import files
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

_PANEL = re.compile(r'<svg [^>]*?viewBox="0 0 ([\d.]+) [^>]*?class="plot"[^>]*>.*?</svg>', re.DOTALL)
_IDS = re.compile(r'(\bid="|url\(#|href="#)')
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
    """Return the panels of a picture, which stand side by side or, where there is no room, one below the other."""
    # several pictures of one page may have an id in common
    svg = _IDS.sub(rf"\g<1>{path.stem}-", path.read_text("utf-8"))
    panels = [_panel(match) for match in _PANEL.finditer(svg)]
    assert panels, f"{path} has no panels"
    return nodes.raw("", f'<div class="panels">{"".join(panels)}</div>', format="html")


def _panel(match: re.Match[str]) -> str:
    width = float(match[1])
    return f'<div class="panel" style="--width: {width:g}px; --least: {0.75 * width:g}px">{match[0]}</div>'


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
