"""A coordinator on a real anvil, with the model beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.contract_and_model import Play
from support.evm import Anvil
from support.federation import Deployed


@pytest.fixture(scope="session")
def chain() -> Iterator[Anvil]:
    """Free of charge, and transactions in the order in which they were sent."""
    with Anvil("--order", "fifo", "--base-fee", "0", "--gas-price", "0") as chain:
        yield chain


@pytest.fixture(scope="session")
def standard(chain: Anvil) -> Deployed:
    return Deployed(chain)


@pytest.fixture
def play(standard: Deployed) -> Iterator[Play]:
    """A new federation with `support.federation.CONFIG`: two clients at least, five at most, seven that want in."""
    play = Play(standard, actors=7)
    yield play
    play.close()
