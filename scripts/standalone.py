"""Drawings of the report as an SVG file that stands by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.palette import COLOURS, INKS

__all__ = ["standalone"]

# It brings its colours, for light pages and for dark ones.
_DARK = {
    "ink": "#e7e9ea",
    "muted": "#a2a7ac",
    "rule": "#4a4e53",
    "shade": "#2a2d31",
    "paper": "#16181a",
    "plum": "#ab4f88",
}
_GAP = 16


def standalone(drawings: Sequence[Drawing]) -> str:
    """Return drawings side by side as one SVG."""
    inside, left, height = [], 0.0, 0.0
    for drawing in drawings:
        width, tall = (float(size) for size in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing.svg)[0])
        svg = re.sub(r'\s(?:width|height)="[^"]*"', "", drawing.svg.split(">", 1)[0], count=2)
        inside.append(f'{svg} x="{left:g}" width="{width:g}" height="{tall:g}">{drawing.svg.split(">", 1)[1]}')
        left, height = left + width + _GAP, max(height, tall)
    size = f'width="{left - _GAP:g}" height="{height:g}" viewBox="0 0 {left - _GAP:g} {height:g}"'
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"<svg {spaces} {size}><style>{_style()}</style>{''.join(inside)}</svg>\n"


def _style() -> str:
    light, dark = (
        "".join(f"--{name}:{value};" for name, value in inks.items()) for inks in ({**COLOURS, **INKS}, _DARK)
    )
    font = "font-family:system-ui,'DejaVu Sans',sans-serif"
    return f"svg{{{light}{font}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"
