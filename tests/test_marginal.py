"""A distribution in pieces against distributions that SciPy knows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import legendre
from scipy import stats

from bayescompare.marginal import Coordinate, Marginal, Tail

P = np.array([1e-6, 0.025, 0.3, 0.5, 0.9, 0.999])


def pieces(density, edges: np.ndarray, coordinate: Coordinate) -> Marginal:
    """Return the marginal of a density by the value, on pieces in the coordinate."""
    x, w = legendre.leggauss(14)
    at = edges[:-1, None] + (x + 1) / 2 * np.diff(edges)[:, None]
    values = density(coordinate.value(at)) * coordinate.slope(at)
    to = legendre.legvander(x, 13) * w[:, None] * (np.arange(14) + 0.5)
    return Marginal(coordinate=coordinate, edges=edges, coefficients=values @ to)


@pytest.mark.parametrize(
    ("law", "coordinate", "edges"),
    [
        (stats.gamma(3, scale=2), Coordinate(kind="exp"), np.linspace(-14, 5, 20)),
        (stats.norm(1e6, 3), Coordinate(kind="sinh", centre=1e6 + 1, scale=2), np.linspace(-3.5, 3.5, 15)),
        (stats.t(2, loc=-4), Coordinate(kind="sinh", centre=-4), np.linspace(-25, 25, 60)),
    ],
)
def test_known_laws(law, coordinate, edges):
    found = pieces(law.pdf, edges, coordinate)
    x = law.ppf(P)
    np.testing.assert_allclose(found.cdf(x), P, atol=1e-9)
    np.testing.assert_allclose(found.quantile(P), x, rtol=1e-5)
    np.testing.assert_allclose(found.density(x), law.pdf(x), rtol=1e-6, atol=1e-9)
    lower, upper = found.shortest(0.9)
    assert law.cdf(upper) - law.cdf(lower) == pytest.approx(0.9, abs=1e-8)
    assert law.pdf(upper) == pytest.approx(law.pdf(lower), rel=1e-3)
    assert len(found.valleys()) == 0


def test_two_hills_have_a_valley():
    def density(x):
        return 0.5 * stats.norm(-3, 1).pdf(x) + 0.5 * stats.norm(3, 1).pdf(x)

    found = pieces(density, np.linspace(-4, 4, 30), Coordinate(kind="sinh"))
    (valley,) = found.valleys()
    assert valley == pytest.approx(0, abs=0.2)
    x, d = found.sketch()
    assert np.trapezoid(d, x) == pytest.approx(0.996, abs=1e-3)


def test_tails_go_on_exponentially_in_the_coordinate():
    below, above = Tail(mass=0.2, rate=2.0), Tail(mass=0.3, rate=0.5)
    found = Marginal(
        coordinate=Coordinate(kind="exp"),
        edges=np.array([0.0, 1.0]),
        coefficients=np.array([[0.5, 0.0]]),
        below=below,
        above=above,
    )
    v = np.array([-3.0, -0.1, 0.5, 1.2, 9.0])
    expected = np.array([0.2 * np.exp(-6), 0.2 * np.exp(-0.2), 0.45, 1 - 0.3 * np.exp(-0.1), 1 - 0.3 * np.exp(-4)])
    np.testing.assert_allclose(found.cdf(np.exp(v)), expected)
    np.testing.assert_allclose(found.quantile(expected), np.exp(v), rtol=1e-7)
    by_log = np.array([0.4 * np.exp(-6), 0.4 * np.exp(-0.2), 0.5, 0.15 * np.exp(-0.1), 0.15 * np.exp(-4)])
    np.testing.assert_allclose(found.density(np.exp(v)), by_log / np.exp(v))
    assert found.cdf([-1.0, 0.0]).tolist() == [0.0, 0.0]
    assert found.density([-1.0, 0.0]).tolist() == [0.0, 0.0]
