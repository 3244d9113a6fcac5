"""Work in the background: once for all who ask, bounded, remembered, and told as it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from fedexplorer.content.jobs import Busy, Jobs, Report, Standing
from fedprotocol.errors import FedError


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Work:
    """Waits for its gate, then answers with its key; an odd key fails."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun: list[int] = []
        self.lock = threading.Lock()

    def __call__(self, key: int, report: Report) -> str:
        with self.lock:
            self.begun.append(key)
        report("half of it", 1, 2)
        assert self.gate.wait(10)
        if key % 2:
            raise FedError(f"{key} is odd")
        return f"did {key}"


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.gate.set()


def until_begun(work: Work, count: int) -> None:
    for _ in range(500):
        if len(work.begun) >= count:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{work.begun} after 5 s")


def test_however_many_ask_it_is_done_once(work: Work) -> None:
    jobs = Jobs("test", work)
    asked = [jobs.ask(2) for _ in range(10)]
    until_begun(work, 1)
    job = jobs.ask(2)
    assert (job.standing, job.doing, job.done, job.of) == (Standing.RUNNING, "half of it", 1, 2)
    assert {seen.standing for seen in asked} <= {Standing.WAITING, Standing.RUNNING}
    work.gate.set()
    done = jobs.ask(2, patience=5)
    assert (done.standing, done.result) == (Standing.DONE, "did 2")
    assert jobs.ask(2).result == "did 2"
    assert work.begun == [2]


def test_no_more_run_or_wait_than_allowed(work: Work) -> None:
    jobs = Jobs("test", work, at_once=2, waiting=2)
    for key in (2, 4, 6, 8):
        jobs.ask(key)
    until_begun(work, 2)
    assert sorted(work.begun) == [2, 4]
    last = jobs.ask(8)
    assert (last.standing, last.ahead) == (Standing.WAITING, 3)
    with pytest.raises(Busy, match="2 others are waiting"):
        jobs.ask(10)
    assert jobs.ask(6).standing is Standing.WAITING, "what is there already is never refused"
    work.gate.set()
    assert jobs.ask(8, patience=5).result == "did 8"
    assert jobs.ask(10, patience=5).result == "did 10"


def test_a_failure_is_remembered_for_a_while_and_then_tried_again(work: Work) -> None:
    clock = Clock()
    jobs = Jobs("test", work, pause=60, clock=clock)
    work.gate.set()
    assert str(jobs.ask(3, patience=5).error) == "3 is odd"
    clock.now += 59
    failed = jobs.ask(3)
    assert (failed.standing, failed.again_in) == (Standing.FAILED, pytest.approx(1))
    assert work.begun == [3]
    clock.now += 1
    assert jobs.look(3) is None
    jobs.ask(3, patience=5)
    assert work.begun == [3, 3]


def test_only_so_many_results_are_kept(work: Work) -> None:
    jobs = Jobs("test", work, remembered=2)
    work.gate.set()
    for key in (2, 4, 6):
        assert jobs.ask(key, patience=5).result
    assert [key for key in (2, 4, 6) if jobs.look(key)] == [4, 6]
    forgetful = Jobs("test", work, keeps=False)
    forgetful.ask(2, patience=5)
    assert forgetful.look(2) is None


def test_an_unexpected_error_is_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    job = Jobs("test", broken).ask(1, patience=5)
    assert job.standing is Standing.FAILED
    assert "ZeroDivisionError" in str(job.error)
    assert "secret" not in str(job.error)
    assert "a secret" in caplog.text


def test_what_is_closed_stops() -> None:
    stopped = threading.Event()

    def endless(_: int, report: Report) -> None:
        try:
            while True:
                report("going on")
                threading.Event().wait(0.01)
        finally:
            stopped.set()

    jobs = Jobs("test", endless)
    jobs.ask(1)
    jobs.ask(2)
    jobs.close()
    assert stopped.wait(5)
    assert jobs.ask(1, patience=5).standing is Standing.FAILED
