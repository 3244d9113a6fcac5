"""What a config file means where it says nothing."""

from __future__ import annotations

import pytest
from fedprotocol.chain.send.fees import FeePolicy
from fedprotocol.chains import CONFIRMATIONS
from fedprotocol.config import ChainConfig


@pytest.mark.parametrize(
    ("chain_id", "written", "expected"),
    [
        (1, None, 3),
        (8453, None, 10),
        (4242, None, CONFIRMATIONS),
        (31337, None, 0),
        (1337, None, 0),
        (1, 0, 0),
        (31337, 3, 3),
    ],
)
def test_no_confirmations_off_development_chains_only_if_written_out(
    chain_id: int, written: int | None, expected: int
) -> None:
    own = {} if written is None else {"confirmations": written}
    given = {"rpc": ["http://x"], "chain_id": chain_id, "coordinator": "0x" + 40 * "1", **own}
    chain = ChainConfig.model_validate(given)
    assert chain.confirmations == expected
    assert FeePolicy.of(chain).confirmations == expected
    assert CONFIRMATIONS > 0
