"""`tools/recheck.py` on masked rounds of a real chain: right, a lie, and garbage that became final."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from eth_utils.abi import function_abi_to_4byte_selector
from fedprotocol import tree
from fedprotocol.chain.abi import entry
from support.evm import Anvil
from support.masked_clients import MaskedFederation

PROGRAM = Path(__file__).parents[3] / "tools/recheck.py"
K = 32


@pytest.fixture
def made(tmp_path: Path) -> Iterator[MaskedFederation]:
    with Anvil() as chain:
        made = MaskedFederation(chain, tmp_path, clients=4, serverLr=70_000)
        yield made
        made.close()


def recheck(made: MaskedFederation) -> tuple[int, str]:
    """Exit status and all that it says."""
    sources = [str(client.store_path) for client in made.clients]
    arguments = [made.federation.chain.url, made.coordinator.address, "1", *sources]
    done = subprocess.run([sys.executable, "-I", PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_its_names_are_those_of_the_rule() -> None:
    text = PROGRAM.read_text()
    for name in ("scale", "bound"):
        assert f'"0x{function_abi_to_4byte_selector(entry("rule", "function", name)).hex()}"' in text


def test_the_mean_of_what_nobody_published_is_right_and_a_unit_beside_it_wrong(made: MaskedFederation) -> None:
    played = made.play(1)
    snapshot = made.federation.chain.rpc("evm_snapshot")
    made.clients[0].propose(1, played.right(70_000))
    status, said = recheck(made)
    assert (status, "RIGHT: the accepted updates give this global" in said) == (0, True), said
    made.federation.chain.rpc("evm_revert", snapshot)
    wrong = played.right(70_000)
    wrong[3 * K + 5] ^= np.int32(1)
    made.clients[1].propose(1, wrong)
    status, said = recheck(made)
    assert (status, "first wrong leaf: 3; " in said) == (1, True), said


def test_garbage_that_became_final_is_wrong_whatever_it_says(made: MaskedFederation) -> None:
    played = made.play(1, garbage_from=3)
    made.clients[0].propose(1, played.right(70_000))
    made.federation.pass_time(10_000)
    status, said = recheck(made)
    assert (status, "WRONG: the sum of all updates at leaf 0 is out of range" in said) == (1, True), said
    assert tree.cid(played.sent[3].root) in said
