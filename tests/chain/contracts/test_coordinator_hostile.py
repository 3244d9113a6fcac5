"""Tokens and gates that misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.contract_and_model import Play
from support.evm import Anvil
from support.federation import CONFIG, Call, Deployed, Done, Refused, camel
from support.histories import digests


def done(outcome: Done | Refused) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


# --------------------------------------------------------------------- tokens


def test_a_token_that_takes_a_fee_is_refused(chain: Anvil) -> None:
    d = Deployed(chain, mock="FeeToken")
    a = d.accounts[1]
    for name, amount in (("fund", 1_000), ("join", 400)):
        assert d.send(a, name, amount) == Refused("TransferMismatch", (amount - 1, amount))
    assert d.view("balances").pool == 0 and d.view("seat", a).stake == 0


def test_a_fee_on_top_is_not_paid_with_what_others_own(chain: Anvil) -> None:
    """It starts after three have joined; nobody can leave while it stands, and everybody once it does not."""
    d = Deployed(chain, mock="TaxToken")
    members = d.accounts[1:4]
    for member in members:
        done(d.send(member, "join", 400))
        done(d.send(member, "exit"))
    chain.do(d.token.functions.setFee(3, True))
    for member in members:
        assert d.send(member, "withdraw") == Refused("TransferMismatch", (403, 400))
    chain.do(d.token.functions.setFee(0, True))
    for member in members:
        done(d.send(member, "withdraw"))
    assert d.token.functions.balanceOf(d.contract.address).call() == 0


def test_a_token_whose_transfers_return_nothing_works(chain: Anvil) -> None:
    """As USDT: the whole of a federation's money goes through it, beside the model."""
    play = Play(Deployed(chain, mock="SilentToken"), actors=4)
    clients = play.start()
    play.to_final(1, clients)
    play.do(clients[0], "claim")
    play.do(clients[0], "exit")
    play.do(clients[0], "withdraw")
    play.close()


def test_a_token_that_only_says_false_is_refused(chain: Anvil) -> None:
    d = Deployed(chain, mock="FalseToken")
    outcome = d.send(d.accounts[1], "join", 400)
    assert outcome == Refused("SafeERC20FailedOperation", (d.config.token,))


def test_one_whom_the_token_blocks_blocks_nobody_else(chain: Anvil) -> None:
    """Pull payments: settlement pays no one by itself."""
    play = Play(Deployed(chain, mock="BlockingToken"), actors=4)
    a, b, c = play.start()
    d = play.deployed
    play.to_aggregate(1, [a, b, c])
    play.propose(1, a)
    blocked = chain.web3.to_checksum_address(a)
    chain.do(d.token.functions.setBlocked(blocked, True), blocked)
    play.at(play.model.now + 50).do(b, "claim")
    play.do(c, "claim")
    at = play.model.now + 1
    owed = d.view("owed", a)
    assert owed > 0
    assert isinstance(d.send(a, "claim", at=at), Refused)
    assert d.view("owed", a) >= owed, "nothing is lost"
    chain.do(d.token.functions.setBlocked(blocked, False), blocked)
    done(d.send(a, "claim"))
    play.close()


ATTACKS = {
    "fund": (1,),
    "join": (400,),
    "add_stake": (400,),
    "claim": (),
    "withdraw": (),
    "exit": (),
    "settle": ("0x" + 40 * "5",),
    "open": (),
    "close": (),
    "abandon": (1,),
}


@pytest.fixture(scope="module")
def reentrant(chain: Anvil) -> Deployed:
    return Deployed(chain, mock="ReentrantToken")


@pytest.fixture
def ambushed(reentrant: Deployed) -> Iterator[Play]:
    play = Play(reentrant, actors=5)
    yield play
    play.close()


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_token_that_calls_back_finds_the_door_shut(ambushed: Play, attack: str) -> None:
    """On the way in (fund, join, a bond) and on the way out (claim, withdraw)."""
    play, d = ambushed, ambushed.deployed
    clients = play.start()
    play.to_final(1, clients)
    play.do(clients[2], "exit")
    play.to_aggregate(2, clients[:2])
    data = d.abi.encode(camel(attack), ATTACKS[attack])
    armer = d.chain.web3.to_checksum_address(play.actors[4])
    doors = {
        "fund": Call(clients[0], "fund", (5,)),
        "join": Call(play.actors[4], "join", (400,)),
        "bond": Call(clients[0], "propose", play.page(2, 0, digests(3, 2))),
        "claim": Call(clients[0], "claim"),
        "withdraw": Call(clients[2], "withdraw"),
    }
    for door, call in doors.items():
        d.chain.do(d.token.functions.arm(d.contract.address, data), armer, gas=500_000)
        before = d.view("balances")
        outcome = d.send(call.sender, call.name, *call.args)
        assert outcome == Refused("ReentrancyGuardReentrantCall", ()), f"{attack} during {door}"
        assert d.view("balances") == before


# ---------------------------------------------------------------------- gates

ALLOW, REFUSE, REVERT, NOTHING, TWO, BURN, FLOOD, WRITE = range(8)


@pytest.mark.parametrize("mode", [REFUSE, REVERT, NOTHING, TWO, BURN, FLOOD, WRITE])
def test_anything_but_true_means_no(chain: Anvil, mode: int) -> None:
    gate = chain.deploy("GateMock")
    d = Deployed(chain, replace(CONFIG, gate=gate.address.lower()))
    a, b = d.accounts[1:3]
    done(d.send(a, "join", 400))
    chain.do(gate.functions.setMode(mode))
    assert d.send(b, "join", 400) == Refused("NotAllowed", (b,))
    assert done(d.send(a, "add_stake", 1)), "the gate is asked in join only"
    trace_cost = done(d.send(a, "exit")).gas
    assert trace_cost < 200_000


def test_a_gate_that_burns_its_gas_costs_no_more_than_that(chain: Anvil) -> None:
    gate = chain.deploy("GateMock")
    d = Deployed(chain, replace(CONFIG, gate=gate.address.lower()))
    chain.do(gate.functions.setMode(BURN))
    data = "0x" + d.abi.encode("join", (400,)).hex()
    sender = d.chain.web3.to_checksum_address(d.accounts[1])
    hash_ = chain.web3.eth.send_transaction({"from": sender, "to": d.contract.address, "data": data, "gas": 5_000_000})
    assert chain.web3.eth.wait_for_transaction_receipt(hash_)["gasUsed"] < 400_000
