"""Every task is given out once, whatever the workers do, and blocks cover what is missing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bayescompare.fits import Status
from bayescompare.study import session
from bayescompare.study.executor import Executor, Lost, Outcome
from bayescompare.study.queue import Queue
from bayescompare.study.sinks import Memory
from bayescompare.study.tasks import Task, plan, slug
from bayescompare.study.work import run_task
from tests.study import mocks  # noqa: F401
from tests.study.runs import fast

numbers = st.integers(0, 4)
tasks = st.lists(st.tuples(numbers, numbers, st.integers(1, 9)), max_size=30).map(
    lambda found: [
        Task(scenario=f"s{scenario}", estimator=f"e{estimator}", first=place, count=count)
        for place, (scenario, estimator, count) in enumerate(found)
    ]
)


def queue(given_out):
    return Queue(given_out, affinity=lambda task: task.estimator, weight=lambda task: float(task.count))


@given(tasks, st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=80))
def test_each_task_is_given_out_once(given_out, steps):
    waiting, taken = queue(given_out), []
    for worker, lost in steps:
        task = waiting.take(f"w{worker}")
        if task is not None and lost:
            waiting.add(task)
        elif task is not None:
            taken.append(task)
        assert len(waiting) + len(taken) == len(given_out)
    while (task := waiting.take("last")) is not None:
        taken.append(task)
    assert sorted(taken, key=str) == sorted(given_out, key=str)
    assert len(waiting) == 0


def left(given_out, *taken):
    return [task.estimator for task in given_out if task not in taken]


@given(tasks)
def test_two_workers_begin_with_different_models(given_out):
    waiting = queue(given_out)
    first, second = waiting.take("a"), waiting.take("b")
    if len({task.estimator for task in given_out}) > 1:
        assert first.estimator != second.estimator
    again = waiting.take("a")
    if first is not None and first.estimator in left(given_out, first, second):
        assert again.estimator == first.estimator


@given(tasks, st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6), st.booleans()), max_size=60))
def test_tasks_of_one_model_go_together_and_those_that_may_harm_alone(given_out, steps):
    waiting, lost, taken = queue(given_out), set(), []
    for worker, size, dies in steps:
        together = waiting.take_some(f"w{worker}", lambda task, size=size: size)
        assert len({task.estimator for task in together}) <= 1
        assert len(together) <= (1 if lost.intersection(together) else size)
        for task in together if dies else ():
            waiting.add(task, alone=True)
        if dies:
            lost |= set(together)
        else:
            taken += together
    while together := waiting.take_some("last", lambda task: 100):
        taken += together
    assert sorted(taken, key=str) == sorted(given_out, key=str)


def test_a_closed_queue_gives_nothing():
    waiting = queue([Task(scenario="s", estimator="e", first=0, count=1)])
    waiting.close()
    assert waiting.take("a") is None
    assert waiting.take_some("a", lambda task: 9) == []
    assert len(waiting) == 1


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 12), st.sets(st.integers(0, 60)))
def test_blocks_cover_what_is_missing_and_nothing_else(replicates, block, done):
    study = BASE.changed(replicates=replicates, block=block)
    found = plan(study, {("small", "mock-noise"): done})
    own = [task for task in found if task.scenario == "small"]
    covered = [replicate for task in own for replicate in task.replicates]
    assert covered == sorted(set(range(replicates)) - done)
    assert all(task.first // block == (task.first + task.count - 1) // block for task in own)


BASE = fast(estimators=["mock-noise"], dispersed_starts=0)


class Losing(Executor):
    """Loses tasks that hold a replicate, and does the others."""

    workers = 1

    def __init__(self, loses: int, status: Status) -> None:
        self.loses, self.status, self.tried = loses, status, []

    def outcomes(self, study, queue):
        while (task := queue.take("one")) is not None:
            self.tried.append(task)
            lost = self.loses in task.replicates and task.scenario == "small"
            yield Outcome(task=task, result=Lost(status=self.status, message="gone") if lost else run_task(study, task))


def tried(status: Status):
    study, executor, sink = BASE.changed(block=3), Losing(4, status), Memory()
    assert session.carry_out(study, executor, sink, plan(study), None)
    own = [(task.first, task.count) for task in executor.tried if task.scenario == "small"]
    return own, sink.done([("small", "mock-noise")])


def test_fault_46_a_lost_block_is_tried_thrice_and_then_one_by_one():
    own, done = tried(Status.WORKER_DIED)
    assert own.count((3, 3)) == 3
    assert own.count((4, 1)) == 3
    assert [own.count(one) for one in ((0, 3), (3, 1), (5, 1))] == [1, 1, 1]
    assert done == {("small", "mock-noise"): set(range(6))}


def test_fault_46_what_raises_or_hangs_is_not_tried_again():
    for status in (Status.FAILED, Status.TIMEOUT):
        own, done = tried(status)
        assert sorted(own) == [(0, 3), (3, 1), (3, 3), (4, 1), (5, 1)]
        assert done == {("small", "mock-noise"): set(range(6))}


def test_each_label_has_a_folder_of_its_own():
    labels = [
        "nuts",
        "nuts:draws=1",
        "nuts-draws-1",
        "lbfgs-ml:starts=1",
        "lbfgs-ml:starts=1,coordinates=log-sd",
        "a" * 80,
        "a" * 81,
    ]
    assert len({slug(label) for label in labels}) == len(labels)
    assert slug("lbfgs-ml") == "lbfgs-ml"
