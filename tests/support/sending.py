"""What tests of the sender do to it and to its chain."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from eth_account.signers.local import LocalAccount
from fedprotocol.chain.read.token import Token
from fedprotocol.chain.send.fees import GWEI
from fedprotocol.chain.send.sender import Sender
from fedprotocol.journal import OutboxTx
from support.deployed import CHAIN_ID
from support.evm import Anvil

SOMEBODY = "0x000000000000000000000000000000000000dEaD"


def transfer(token: Token, amount: int) -> Any:
    return token.contract.functions.transfer(SOMEBODY, amount)


def outbox(s: Sender) -> list[OutboxTx]:
    return s._journal.outbox_all()


def foreign(chain: Anvil, account: LocalAccount, nonce: int, tip: int = GWEI) -> bytes:
    """A transaction of the same key by another program."""
    signed = account.sign_transaction(
        {
            "to": SOMEBODY,
            "value": 1,
            "gas": 21_000,
            "nonce": nonce,
            "chainId": CHAIN_ID,
            "maxFeePerGas": 20 * GWEI + tip,
            "maxPriorityFeePerGas": tip,
        }
    )
    return bytes(chain.web3.eth.send_raw_transaction(signed.raw_transaction))


def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def in_pool(chain: Anvil) -> int:
    return int(chain.rpc("txpool_status")["pending"], 16)
