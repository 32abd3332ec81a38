"""A colour and a marker for each estimator, the same in every figure (Okabe and Ito 2008, a brown and a plum)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["COLOURS", "INKS", "MARKERS", "Look", "looks"]

#: Name of the CSS variable to its value in light mode; the style sheet has the others.
COLOURS: Mapping[str, str] = {
    "orange": "#e69f00",
    "vermillion": "#d55e00",
    "purple": "#cc79a7",
    "yellow": "#b8a800",
    "blue": "#0072b2",
    "sky": "#56b4e9",
    "green": "#009e73",
    "brown": "#7a4b2a",
    "plum": "#6a0f8e",
}
#: Inks of the page, by the name of their CSS variable.
INKS: Mapping[str, str] = {
    "ink": "#1b1c1e",
    "muted": "#5d6166",
    "rule": "#c9cccf",
    "shade": "#e9ebed",
    "paper": "#fdfdfd",
}
#: Marker of each further setting of the same estimator: Matplotlib's name to an SVG path around zero.
MARKERS: Mapping[str, str] = {
    "o": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
    "s": "M-3.6,-3.6h7.2v7.2h-7.2z",
    "D": "M0,-4.8L4.8,0L0,4.8L-4.8,0z",
    "^": "M0,-4.6L4.6,3.6H-4.6z",
    "v": "M0,4.6L4.6,-3.6H-4.6z",
    "P": "M-1.6,-4.6h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3z",
}
_OWN = {
    "adam-pooled": "orange",
    "adam-marginal": "vermillion",
    "adam-elbo": "brown",
    "adam-embedding": "yellow",
    "adam-penalised": "purple",
    "lbfgs-ml": "blue",
    "lbfgs-reml": "sky",
    "lbfgs-map": "green",
    "nuts": "ink",
    "quadrature": "plum",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How an estimator looks.

    Parameters
    ----------
    label
        Its label, ``lbfgs-ml:starts=1``.
    colour
        Name of a colour or ink.
    marker
        Matplotlib's name of its marker.
    """

    label: str
    colour: str
    marker: str

    @property
    def name(self) -> str:
        """The estimator without its settings."""
        return self.label.partition(":")[0]

    @property
    def settings(self) -> str:
        """Settings that differ from the default, with spaces after the commas."""
        return self.label.partition(":")[2].replace(",", ", ")

    @property
    def hex(self) -> str:
        """The colour in light mode."""
        return {**COLOURS, **INKS}[self.colour]

    @property
    def key(self) -> str:
        """The id of its symbol in the page."""
        return f"k-{self.colour}{list(MARKERS).index(self.marker)}"

    @property
    def shape(self) -> str:
        """The marker as an SVG path around zero."""
        return MARKERS[self.marker]


def _colours(names: Iterable[str]) -> dict[str, str]:
    """Return the colour of each estimator name; unknown names take those that nobody has."""
    spare = [colour for colour in COLOURS if colour not in {_OWN.get(name) for name in names}] or list(COLOURS)
    unknown = [name for name in names if name not in _OWN]
    return _OWN | {name: spare[k % len(spare)] for k, name in enumerate(unknown)}


def looks(labels: Sequence[str]) -> dict[str, Look]:
    """Return the look of each estimator label; settings of one estimator share a colour, not a marker."""
    names = list(dict.fromkeys(label.partition(":")[0] for label in labels))
    colours, shapes = _colours(names), list(MARKERS)
    found: dict[str, Look] = {}
    for name in names:
        # the one without settings has the circle, wherever it stands
        same = sorted((label for label in labels if label.partition(":")[0] == name), key=lambda label: label != name)
        for k, label in enumerate(dict.fromkeys(same)):
            found[label] = Look(label=label, colour=colours[name], marker=shapes[k % len(shapes)])
    return {label: found[label] for label in labels}
