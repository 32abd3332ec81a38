"""ArviZ's plots on axes of our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.sheet import Row, columns, thinned
from bayescompare.reporting.palette import COLOURS, INKS

if TYPE_CHECKING:
    from arviz_plots import PlotCollection

__all__ = ["density", "energy_panel", "rank_panel"]

RANK = Guide(
    key="rank",
    caption="A line is a chain, and should be noise about zero: one that stays on a side, or black dots, are wrong.",
    shows=(
        "The distribution function of the ranks of each chain among the draws of all, less that of uniform ranks, "
        "which they have where all chains sample one distribution (ArviZ's plot_rank). p is of its test, which "
        "allows for autocorrelation; black dots mark what speaks against it, where p is under 0.01. Of many "
        "parameters those with the largest R-hat are drawn."
    ),
    wrong=(
        "A chain that stays to one side of zero, black dots, a small p: the chains have not mixed, and most often "
        "R-hat is above 1.01 too."
    ),
    limits=(
        "Chains that agree may all miss the same part of the posterior. Of a hundred parameters one has a p under "
        "0.01 by chance."
    ),
)

ENERGY = Guide(
    key="energy",
    caption="The two densities should be about equally wide: transitions much narrower than the marginal are wrong.",
    shows=(
        "The density of the energy of the draws, and of its change from one draw to the next, both about their "
        "mean, all chains together (ArviZ's plot_energy; kernel density estimates)."
    ),
    wrong="Transitions much narrower than the marginal: the sampler explores the tails slowly (flag bfmi, under 0.3).",
    limits="It is of all parameters at once, and does not say which of them is slow.",
)

Array = npt.NDArray[np.float64]

#: Chains beyond these repeat the colours.
_CHAINS = ("blue", "orange", "green", "purple")
_WIDTH, _HEIGHT = 260.0, 120.0
_GRID = 160
#: Points of a chain's line in a rank plot: about one a pixel.
_RANKS = 200
# Points of it in the numbers.
_KEPT = 100


def _collection(axes: Axes, data: xr.Dataset, **aes: Any) -> PlotCollection:
    """Return a collection whose only variable is drawn on the given axes, without pyplot."""
    from arviz_plots import PlotCollection

    (name,) = data.data_vars
    target = {
        "/": xr.Dataset({"figure": xr.DataArray(np.array(axes.figure, dtype=object))}),
        "/plot": xr.Dataset({name: xr.DataArray(np.array(axes, dtype=object))}),
        "/row_index": xr.Dataset({name: 0}),
        "/col_index": xr.Dataset({name: 0}),
    }
    return PlotCollection(data, xr.DataTree.from_dict(target), backend="matplotlib", **aes)


def density(axes: Axes, draws: xr.DataArray, level: float) -> tuple[Array, Array]:
    """Draw the posterior density of a parameter with its equal-tailed interval (``plot_dist``); return the density."""
    from arviz_plots import plot_dist

    data: Any = xr.Dataset({"draws": draws.rename(None)})
    visuals: Any = {
        "dist": {"color": INKS["muted"], "width": 1.2},
        "face": {"color": INKS["shade"], "alpha": 1.0},
        "credible_interval": {"color": INKS["ink"], "width": 2.2},
        "point_estimate": {"color": INKS["ink"], "size": 26},
        "point_estimate_text": False,
        "title": False,
        "remove_axis": False,
    }
    plot_dist(
        data,
        kind="kde",
        point_estimate="mean",
        ci_kind="eti",
        ci_prob=level,
        plot_collection=_collection(axes, data),
        stats={"dist": {"grid_len": _GRID}},
        visuals=visuals,
    )
    axes.set(xlabel="", ylabel="", title="")
    return _longest(axes)


def _longest(axes: Axes) -> tuple[Array, Array]:
    """Return the points of the line that has most of them."""
    line = max(axes.lines, key=lambda one: len(np.asarray(one.get_xdata())))
    return np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)


def rank_panel(key: str, parameter: str, draws: xr.DataArray, rhat: float = float("nan")) -> Drawing:
    """Return the rank plot of a parameter: ECDF of its ranks, chain by chain, less the uniform one (``plot_rank``)."""
    from arviz_plots import plot_rank

    canvas = Canvas(key, RANK, _WIDTH, _HEIGHT)
    with canvas.drawing():
        axes = canvas.axes(38, 24, _WIDTH - 46, _HEIGHT - 44)
        data = xr.Dataset({"draws": draws.rename(None)})
        plot_rank(
            data,
            envelope_prob=0.99,
            method="mtc_c",
            plot_collection=_collection(
                axes, data, aes={"color": ["chain"], "overlay": ["chain"]}, color=_chain_colours(draws)
            ),
            visuals={
                "ecdf_lines": {"width": 1.1},
                "title": False,
                "xlabel": False,
                "remove_axis": False,
            },
        )
        _framed(axes)
        rows = [row for k, line in enumerate(axes.lines, start=1) for row in _ranks(line, parameter, k)]
        _restyled(axes)
        axes.axhline(0, color=INKS["rule"], lw=0.8, zorder=0)
        ticks(axes, "y", 3)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        titled(canvas, parameter)
        return canvas.finish(_rank_alt(parameter, draws.sizes["chain"], rhat), rows)


def _ranks(line: Line2D, parameter: str, chain: int) -> Iterator[Row]:
    """Yield some points of the line of a chain."""
    x, y = (np.asarray(each, dtype=float) for each in line.get_data())
    some, every = thinned(len(x), _KEPT)
    return columns(parameter=parameter, chain=chain, rank=x[some], difference=y[some], one_in=every)


def _restyled(axes: Axes) -> None:
    """Make the test's p value and the points that fail it quieter, and lines no finer than the screen."""
    for note in axes.texts:
        p = note.get_text().partition("(")[0].partition("=")[2].strip()
        note.set(text="p < 0.01" if p == "0.00" else f"p = {p}", fontsize=9, color=INKS["muted"])
    for points in axes.collections:
        points.set(sizes=[3], color=INKS["ink"])
    for line in axes.lines:
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        every = max(1, len(x) // _RANKS)
        line.set_data(np.append(x[:-1:every], x[-1:]), np.append(y[:-1:every], y[-1:]))


def _rank_alt(parameter: str, chains: int, rhat: float) -> str:
    text = f"Rank plot of {parameter}: cumulative ranks of {chains} chains less those of uniform ranks"
    return f"{text}; R-hat {rhat:.3f}." if np.isfinite(rhat) else f"{text}."


def _chain_colours(draws: xr.DataArray) -> list[str]:
    return [COLOURS[_CHAINS[k % len(_CHAINS)]] for k in range(draws.sizes["chain"])]


def _framed(axes: Axes) -> None:
    """Leave both axes, and no labels."""
    quiet(axes, left=True)
    axes.set(xlabel="", ylabel="", title="")
    legend = axes.get_legend()
    if legend is not None:
        legend.remove()


def energy_panel(key: str, tree: xr.DataTree) -> Drawing | None:
    """Return the energy plot: marginal energy against its transitions (``plot_energy``); None without energies."""
    from arviz_plots import plot_energy

    stats = tree["sample_stats"].to_dataset() if "sample_stats" in tree else {}
    if "energy" not in stats or not np.isfinite(stats["energy"].values).all():
        return None
    visuals: Any = {"legend": False, "title": False, "remove_axis": False, "face": {"alpha": 0.15}}
    canvas = Canvas(key, ENERGY, _WIDTH, _HEIGHT)
    with canvas.drawing():
        axes = canvas.axes(8, 24, _WIDTH - 16, _HEIGHT - 44)
        colours = {"marginal": COLOURS["blue"], "transition": COLOURS["orange"]}
        data = xr.Dataset({"Energy": (["energy"], np.zeros(2))}, coords={"energy": list(colours)})
        plot_energy(
            tree,
            kind="kde",
            show_bfmi=False,
            backend="matplotlib",
            plot_collection=_collection(axes, data, aes={"color": ["energy"]}, color=list(colours.values())),
            stats={"dist": {"grid_len": _GRID}},
            visuals=visuals,
        )
        _framed(axes)
        quiet(axes)
        ticks(axes)
        axes.set_ylim(0, None)
        rows = [row for name, colour in colours.items() for row in _energies(axes, name, colour)]
        titled(canvas, "energy")
        _energy_names(axes, colours)
        return canvas.finish("Energy plot: density of the marginal energy and of its transitions.", rows)


def _energies(axes: Axes, name: str, colour: str) -> Iterator[Row]:
    """Yield the points of a density, which is the line of a colour."""
    line = next(one for one in axes.lines if one.get_color() == colour)
    x, y = (np.asarray(each, dtype=float) for each in line.get_data())
    return columns(what=name, energy=x, density=y)


def _energy_names(axes: Axes, colours: Mapping[str, str]) -> None:
    """Name the two densities beside a square in their colour, instead of a legend."""
    for k, (name, colour) in enumerate(colours.items()):
        place = (1.0, 1 - (6 + 13 * k) / axes.bbox.height)
        axes.plot(*place, "s", ms=5, mew=0, color=colour, transform=axes.transAxes, clip_on=False)
        axes.annotate(
            name,
            place,
            (-8, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=10,
            color=INKS["ink"],
        )
