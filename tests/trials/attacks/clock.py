"""The chain's time: it passes by itself, a block a second, and is jumped ahead where only a deadline is waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from support.evm import Anvil

PATIENCE = 30.0  # seconds for transactions to arrive in the pool


class Clock:
    """How the chain mines. At the start of a row: at once, which is quick; with live programs: every second."""

    def __init__(self, chain: Anvil) -> None:
        self._chain = chain
        self._is_held = False
        self.at_once()

    def at_once(self) -> None:
        """A block for every transaction, none without."""
        self._chain.rpc("evm_setAutomine", True)

    def every_second(self) -> None:
        self._chain.rpc("evm_setIntervalMining", 1)

    @contextmanager
    def held(self) -> Iterator[None]:
        """No block is mined inside (but by `evm_mine`): transactions wait in the pool, where anybody may read them."""
        self._chain.rpc("evm_setIntervalMining", 0)
        self._chain.rpc("evm_setAutomine", False)
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            self.every_second()

    def in_one_block(self, *sends: Callable[[], object], at: int | None = None) -> None:
        """Run functions that send one transaction each and wait for it, so that all are mined in the same block, whose
        timestamp is `at` if given.

        Raises the first error of any; AssertionError if they do not all arrive in the pool.
        """
        errors: list[BaseException] = []

        def run(send: Callable[[], object]) -> None:
            try:
                send()
            except BaseException as error:
                errors.append(error)

        self.flush()
        with self.held():
            arrived = self._pooled() + len(sends)
            threads = [threading.Thread(target=run, args=(send,), daemon=True) for send in sends]
            for thread in threads:
                thread.start()
            try:
                self.mine(arrived, at, lambda: bool(errors))
            finally:
                self.every_second()  # or those that wait for their transactions would wait for ever
                for thread in threads:
                    thread.join(PATIENCE)
        if errors:
            raise errors[0]

    def mine(self, count: int, at: int | None = None, enough: Callable[[], bool] = lambda: False) -> None:
        """One block, with timestamp `at` if given, once `count` transactions wait for it or it is `enough`.

        Raises AssertionError if fewer come.
        """
        deadline = time.monotonic() + PATIENCE
        while self._pooled() < count and not enough():
            assert time.monotonic() < deadline, f"{self._pooled()} of {count} transactions reached the pool"
            time.sleep(0.02)
        if at is not None:
            self._chain.rpc("evm_setNextBlockTimestamp", at)
        self._chain.rpc("evm_mine")

    def flush(self) -> None:
        """Mine what has been sent, unless it is held: programs see it as done, and it must not slip behind a jump."""
        if not self._is_held and self._pooled():
            self._chain.rpc("evm_mine")

    def _pooled(self) -> int:
        return int(self._chain.rpc("txpool_status")["pending"], 16)

    def now(self) -> int:
        return self._chain.now()

    def jump(self, timestamp: int) -> None:
        """Mine a block at `timestamp`, if that is still to come; what has been sent is mined before."""
        self.flush()
        if timestamp > self.now():
            self._chain.set_time(timestamp)
