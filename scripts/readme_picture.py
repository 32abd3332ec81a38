"""The picture of the README from a folder of the default study: python scripts/readme_picture.py OUT docs/FILE.svg."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import bayescompare as bc
from bayescompare.reporting.error_parts import error_parts
from bayescompare.reporting.palette import COLOURS, INKS
from bayescompare.reporting.subject import Subject

# The picture stands by itself: it brings its colours, for light pages and for dark ones.
_DARK = {"ink": "#e7e9ea", "muted": "#a2a7ac", "rule": "#4a4e53", "shade": "#2a2d31", "paper": "#16181a"}
_GAP = 16


def picture(folder: Path) -> str:
    """Return the mean errors of the first sd of the random effects in parts, an SVG of its own."""
    parts = error_parts(Subject(bc.read_results(folder)))
    if parts is None or not parts.leading:
        raise SystemExit(f"{folder} holds no study whose errors are known in parts.")
    inside, left, height = [], 0.0, 0.0
    for drawing in parts.leading:
        width, tall = (float(size) for size in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing.svg)[0])
        svg = re.sub(r'\s(?:width|height)="[^"]*"', "", drawing.svg.split(">", 1)[0], count=2)
        inside.append(f'{svg} x="{left:g}" width="{width:g}" height="{tall:g}">{drawing.svg.split(">", 1)[1]}')
        left, height = left + width + _GAP, max(height, tall)
    size = f"0 0 {left - _GAP:g} {height:g}"
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {spaces} viewBox="{size}"><style>{_style()}</style>{"".join(inside)}</svg>\n'


def _style() -> str:
    light, dark = (
        "".join(f"--{name}:{value};" for name, value in inks.items()) for inks in ({**COLOURS, **INKS}, _DARK)
    )
    font = "font-family:system-ui,'DejaVu Sans',sans-serif"
    return f"svg{{{light}{font}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(picture(Path(sys.argv[1])), encoding="utf-8")
