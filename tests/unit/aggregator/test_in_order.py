"""Work side by side: results in their order, and no more begun than can be held."""

from __future__ import annotations

import threading

import pytest
from fedaggregator.compute.in_order import in_order


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_results_come_in_their_order_and_few_are_held(workers: int) -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            begun.append(number)
        return number * number

    for taken, result in enumerate(in_order(work, range(200), workers)):
        assert result == taken * taken
        with lock:
            assert len(begun) <= taken + 2 + workers
    assert sorted(begun) == list(range(200))


def test_two_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=30)
    assert list(in_order(lambda _: both.wait() >= 0, range(2), 2)) == [True, True]


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_ends_it_in_its_place(workers: int) -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 5:
            raise LookupError("five")
        return number

    results = in_order(work, range(1000), workers)
    assert [next(results) for _ in range(5)] == list(range(5))
    with pytest.raises(LookupError, match="five"):
        next(results)
    assert len(begun) < 12
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("merge")]
