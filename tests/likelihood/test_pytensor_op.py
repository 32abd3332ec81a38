"""The PyTensor Op is the Numba kernel, its gradient, and recompiled when the kernel's source changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.link.numba.dispatch.basic import numba_funcify_and_cache_key

from bayescompare.likelihood import kernel, lanes
from bayescompare.likelihood.c_kernel import source_key
from bayescompare.likelihood.coordinates import from_working
from bayescompare.likelihood.evaluate import deviance
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.pytensor_op import MarginalLoglik, Unstack, pack, pytensor_namespace
from bayescompare.priors import LKJ, HalfCauchy, HalfNormal, HalfStudentT, InverseGamma, Normal, numpy_namespace
from tests.engines.nuts_cases import simulated, sleepstudy

FORMULAS = ["y ~ 1 + x + (1 + x | g)", "y ~ 1 + x + (1 + x || g)", "y ~ 0 + (1 | g)", "y ~ 1 + x"]


def graph(problem: Problem) -> tuple:
    x, data = pt.dvector("x"), pt.dvector("data")
    loglik = MarginalLoglik(problem.layout.p, problem.products.starts)(x, data)[0]
    return [x, data], [loglik, pt.grad(loglik, x)]


def expected(problem: Problem, x: np.ndarray) -> tuple[float, np.ndarray]:
    data = problem.products
    value, gradient = kernel.working(
        x, problem.layout.p, data.starts, data.t_inverse, data.r, data.c, data.within, float(data.n)
    )
    return -0.5 * value, -0.5 * gradient


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
def test_value_and_gradient_are_the_kernels(formula: str, mode: str) -> None:
    problem = simulated(1, formula=formula)
    function = pytensor.function(*graph(problem), mode=mode)
    x = np.random.default_rng(0).normal(size=problem.layout.size)
    value, gradient = function(x, pack(problem.products))
    wanted, wanted_gradient = expected(problem, x)
    assert value == pytest.approx(wanted, rel=1e-13)
    np.testing.assert_allclose(gradient, wanted_gradient, rtol=1e-12, atol=1e-12)


def test_one_compiled_function_serves_data_of_any_size() -> None:
    small, large = simulated(1, groups=5), simulated(2, groups=40, rows=3)
    function = pytensor.function(*graph(small), mode="NUMBA")
    x = np.random.default_rng(0).normal(size=small.layout.size)
    for problem in (small, large):
        assert function(x, pack(problem.products))[0] == pytest.approx(expected(problem, x)[0], rel=1e-13)


def test_value_is_the_likelihood_at_natural_parameters() -> None:
    problem = sleepstudy()
    x = np.random.default_rng(3).normal(size=problem.layout.size) + np.array([0, 0, 3, 2, 0, 3])
    function = pytensor.function(*graph(problem), mode="NUMBA")
    theta = from_working(x, problem.layout, problem.products)
    assert function(x, pack(problem.products))[0] == pytest.approx(-deviance(problem, theta) / 2, rel=1e-11)


def test_the_gradient_output_is_not_differentiable() -> None:
    problem = simulated(1)
    x, data = pt.dvector("x"), pt.dvector("data")
    gradient = MarginalLoglik(problem.layout.p, problem.products.starts)(x, data)[1]
    with pytest.raises(Exception, match="not differentiable"):
        pt.grad(gradient.sum(), x)


def test_numba_compiles_it_without_object_mode(recwarn: pytest.WarningsRecorder) -> None:
    pytensor.function(*graph(simulated(1)), mode="NUMBA")
    assert not [warning for warning in recwarn if "object mode" in str(warning.message)]


def test_an_edited_kernel_changes_the_key(tmp_path) -> None:
    original = tmp_path / "kernel.py"
    original.write_bytes(Path(kernel.__file__).read_bytes())
    edited = tmp_path / "edited.py"
    edited.write_text(original.read_text().replace("2.0 * n - 2.0 * quadratic", "2.0 * n - 1.0 * quadratic"))
    assert source_key(original, lanes.__file__) == MarginalLoglik(2, (0, 2)).key
    assert source_key(edited) != source_key(original)

    def key_of(source) -> str:
        op = MarginalLoglik(2, (0, 2), source_key(source))
        return numba_funcify_and_cache_key(op, node=op.make_node(pt.dvector(), pt.dvector()))[1]

    assert key_of(original) != key_of(edited)


def test_different_structures_have_different_keys() -> None:
    ops = [MarginalLoglik(2, (0, 2)), MarginalLoglik(2, (0, 1, 2)), MarginalLoglik(1, (0, 2))]
    assert len(set(ops)) == len({numba_funcify_and_cache_key(op)[1] for op in ops}) == 3
    assert MarginalLoglik(2, (0, 2)) == MarginalLoglik(2, np.array([0, 2]))


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
def test_unstack_takes_scalars_and_their_gradients(mode: str) -> None:
    x = pt.dvector("x")
    first, _, third = Unstack(3)(x)
    function = pytensor.function([x], [first * third, pt.grad(first * third, x)], mode=mode)
    value, gradient = function(np.array([2.0, 3.0, 5.0]))
    assert value == 10
    np.testing.assert_array_equal(gradient, [5, 0, 2])


@pytest.mark.parametrize(
    "prior", [Normal(1, 2), HalfNormal(2), HalfStudentT(3, 2), HalfCauchy(2), InverseGamma(2, 3)], ids=repr
)
def test_named_priors_are_the_same_for_symbols_and_numbers(prior) -> None:
    x, *numbers = (pt.dscalar() for _ in range(1 + len(prior.constants())))
    symbolic = prior.with_constants(numbers).logp(x, pytensor_namespace())
    value = pytensor.function([x, *numbers], symbolic, mode="FAST_COMPILE")(0.7, *prior.constants().values())
    assert value == pytest.approx(float(prior.logp(np.float64(0.7), numpy_namespace())), rel=1e-12)


def test_the_namespace_has_what_priors_may_use() -> None:
    assert vars(pytensor_namespace()).keys() == vars(numpy_namespace()).keys()
    assert LKJ(2.0).support == "correlation"
