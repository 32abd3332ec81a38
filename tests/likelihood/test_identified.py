"""What the data determine, against the null space of the dense covariances, and without false alarms."""

import numpy as np
import pytest

from bayescompare.layout import Layout
from bayescompare.likelihood.identified import Identified, identified
from bayescompare.likelihood.information import Blocks, entries_of, information
from bayescompare.likelihood.products import Products, compress


def design(rng, groups, slopes, covariates, *, even=True, x_of_groups=False):
    """Return fixed columns, random columns and groups."""
    sizes = np.full(groups, 5) if even else rng.integers(1, 10, groups)
    g = np.repeat(np.arange(groups), sizes)
    x = rng.normal(size=groups)[g] if x_of_groups else rng.normal(size=len(g))
    fixed = [np.ones(len(g)), x, *(rng.normal(size=groups)[g] for _ in range(covariates))]
    return np.column_stack(fixed), np.column_stack([np.ones(len(g)), x][: 1 + slopes]), g


def layout_of(x, z, groups, blocks=None):
    names = tuple(f"e{k}" for k in range(z.shape[1]))
    return Layout(
        coefs=tuple(f"c{k}" for k in range(x.shape[1])),
        factor="g",
        blocks=(names,) if blocks is None else blocks,
        levels=tuple(map(str, range(groups))),
    )


def judged(x, z, g, blocks=None) -> tuple[Identified, Layout, Products]:
    layout = layout_of(x, z, g.max() + 1, blocks)
    y = np.random.default_rng(0).normal(size=len(g))
    data = compress(y=y, x=x, z=z, groups=g, count=g.max() + 1, layout=layout)
    return identified(data, layout), layout, data


def dense_rank(x, z, g, layout) -> int:
    """Return the number of combinations of the covariances that are left beside the fixed effects."""
    basis = np.linalg.qr(x)[0]
    beside = np.eye(len(g)) - basis @ basis.T
    same = g[:, None] == g[None]
    covariances = [z @ entry @ z.T * same for entry in entries_of(layout)] + [np.eye(len(g))]
    flat = np.array([(beside @ one @ beside).ravel() / np.linalg.norm(one) for one in covariances])
    return int(np.linalg.matrix_rank(flat, tol=1e-8))


@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("slopes", [0, 1])
def test_ordinary_designs_are_never_called_unidentified_and_others_always_are(even, slopes):
    rng = np.random.default_rng(17)
    for _ in range(500):
        groups = int(rng.integers(4, 9))
        kept = int(rng.integers(0, groups - 2))
        found, *_ = judged(*design(rng, groups, slopes, kept, even=even))
        assert found.everything
        assert not found.residual.any()
        x, z, g = design(rng, groups, slopes, groups - 1, even=even)
        if len(g) > x.shape[1] + 2:
            found, layout, _ = judged(x, z, g)
            assert found.given[layout.sd][0]


def test_the_directions_are_as_many_as_the_dense_covariances_lack():
    rng = np.random.default_rng(23)
    lacking = 0
    for _ in range(200):
        groups, slopes = int(rng.integers(3, 8)), int(rng.integers(0, 2))
        x, z, g = design(rng, groups, slopes, int(rng.integers(0, groups)), even=bool(rng.integers(2)))
        if rng.integers(2):
            x = np.column_stack([x[:, 1], g[:, None] == np.arange(groups)])
        if len(g) <= x.shape[1] + 2:
            continue
        found, layout, _ = judged(x, z, g)
        missing = layout.q + layout.m + 1 - dense_rank(x, z, g, layout)
        assert found.everything is (missing == 0)
        assert int(found.held.sum()) == missing
        lacking += missing > 0
    assert lacking > 40


def test_the_information_is_that_of_dense_matrices():
    rng = np.random.default_rng(29)
    x, z, g = design(rng, 6, 1, 2, even=False)
    _, layout, data = judged(x, z, g)
    turned, same = z @ data.t, g[:, None] == g[None]
    covariances = [turned @ entry @ turned.T * same for entry in entries_of(layout)]
    base = np.eye(len(g)) + turned @ turned.T * same
    inverse = np.linalg.inv(base)
    p = inverse - inverse @ x @ np.linalg.solve(x.T @ inverse @ x, x.T @ inverse)
    for found, metric in zip(information(Blocks.of(data), entries_of(layout), data.n), (inverse, p), strict=True):
        expected = [[np.trace(metric @ v @ metric @ w) for w in (*covariances, base)] for v in (*covariances, base)]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", ["one large group", "many groups, one left", "a year", "a far second block"])
def test_hard_designs_are_identified(shape):
    rng = np.random.default_rng(31)
    if shape == "one large group":
        g = np.repeat(np.arange(4), [20_000, 2, 2, 2])
        x = np.column_stack([np.ones(len(g)), rng.normal(size=4)[g], rng.normal(size=4)[g]])
        z = x[:, :1]
    elif shape == "many groups, one left":
        x, z, g = design(rng, 300, 0, 297)
    else:
        _, z, g = design(rng, 12, 1, 0)
        z = z * [1.0, 3.0] + [0.0, 2010.0]
        x = z
    found, *_ = judged(x, z, g, (("e0",), ("e1",)) if shape == "a far second block" else None)
    assert found.everything


@pytest.mark.parametrize("groups", [20, 300])
def test_as_many_fixed_effects_of_groups_as_groups_are_not_identified(groups):
    rng = np.random.default_rng(37)
    found, layout, _ = judged(*design(rng, groups, 0, groups - 1))
    assert found.given[layout.sd].all()
    assert found.errors[layout.beta][0]
    # a predictor within the groups has its standard error
    assert not found.errors[layout.beta][1]


def test_a_column_within_groups_keeps_its_error_and_estimate_only_where_they_do_not_depend():
    rng = np.random.default_rng(41)
    _, z, g = design(rng, 8, 1, 0)
    x = np.column_stack([g[:, None] == np.arange(8), z[:, 1]]).astype(float)
    found, layout, _ = judged(x, z, g)
    assert not found.estimates[layout.beta][-1]
    assert found.estimates[layout.beta][:8].all()
    # the estimates themselves, at two covariances of intercept and slope
    y = rng.normal(size=len(g))
    same = g[:, None] == g[None]

    def gls(covariance):
        v = np.eye(len(g)) + z @ np.array([[1.0, covariance], [covariance, 1.0]]) @ z.T * same
        return np.linalg.solve(x.T @ np.linalg.solve(v, x), x.T @ np.linalg.solve(v, y))

    moved = np.abs(gls(0.5) - gls(-0.5)) > 1e-9
    np.testing.assert_array_equal(moved, found.estimates[layout.beta])
