"""The colours of the page: those of the style sheet, and apart for all eyes."""

from __future__ import annotations

import re
from importlib.resources import files

import numpy as np
import pytest

from bayescompare.reporting.palette import COLOURS, INKS, looks

# What eyes make of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
_PROTAN = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
_DEUTAN = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
_TRITAN = [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
EYES = {"all cones": np.eye(3)} | {
    name: np.array(matrix) for name, matrix in {"protan": _PROTAN, "deutan": _DEUTAN, "tritan": _TRITAN}.items()
}
XYZ = np.array([[0.412456, 0.357576, 0.180438], [0.212673, 0.715152, 0.072175], [0.019334, 0.119192, 0.950304]])
WHITE = np.array([0.95047, 1, 1.08883])


def palettes() -> list[dict[str, str]]:
    """Return the colours of the style sheet, light and dark."""
    sheet = (files("bayescompare.reporting") / "templates" / "report.css").read_text("utf-8")
    return [
        dict(re.findall(r"--([a-z]+): (#\w{6});", block)) for block in re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)
    ]


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(colour: str, eye: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* of a colour as eyes see it."""
    share = XYZ @ np.clip(eye @ linear(colour), 0, 1) / WHITE
    x, y, z = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2)."""
    low, high = sorted(float(linear(each) @ [0.2126, 0.7152, 0.0722]) for each in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_figures_have_the_colours_of_the_style_sheet() -> None:
    light, dark = palettes()
    assert {**COLOURS, **INKS}.items() <= light.items()
    assert set(light) == set(dark)


@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
def test_the_exact_posterior_is_told_from_every_other_estimator(which: int) -> None:
    palette = palettes()[which]
    label = looks(["quadrature", "nuts", "lbfgs-ml"])["quadrature"]
    mine = palette[label.colour]
    assert contrast(mine, palette["paper"]) >= 3
    for eyes, eye in EYES.items():
        for name in set(COLOURS) - {label.colour} | {"ink"}:
            apart = float(np.linalg.norm(lab(mine, eye) - lab(palette[name], eye)))
            # a difference of 2.3 is just noticeable
            assert apart > 14, (eyes, name, apart)


def test_no_two_estimators_of_the_catalogue_share_a_colour() -> None:
    labels = ["adam-pooled", "adam-embedding", "adam-penalised", "adam-marginal", "adam-elbo", "lbfgs-ml", "lbfgs-reml",
              "lbfgs-map", "nuts", "quadrature"]  # fmt: skip
    assert len({look.colour for look in looks(labels).values()}) == len(labels)
