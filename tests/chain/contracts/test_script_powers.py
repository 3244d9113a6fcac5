"""The brownie scripts for what a contract lets its sponsor, and anybody, do: planned, members, the end, tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.deployment.costs import CONTRACTS
from support.brownie_project import CHAIN_ID, Project, check_refused, copied
from support.evm import Anvil

STAKE = 100 * 10**18
CONTRACT_NAMES = {"DemoToken", "AllowlistGate", "FedAvg", "Disputes", "PeerDirectory", "FederationCoordinator"}
GAS = re.compile(r"(\w+): 0x\w+ \(([\d,]+) gas")
PLANNED = re.compile(r"^  (\w+) +([\d,]+) gas$", re.MULTILINE)


@dataclass
class World:
    """A federation with an allowlist of anvil's accounts 1 to 3, of which 1 and 2 have a seat; the sponsor is 0."""

    project: Project
    chain: Anvil
    coordinator: Coordinator
    file: str
    planned: str
    deployed: str

    def join(self, *accounts: str) -> None:
        token = self.coordinator.token
        for account in accounts:
            self.chain.do(token.contract.functions.transfer(account, STAKE), self.chain.accounts[0])
            self.chain.do(token.approve(self.coordinator.address, STAKE), account)
            self.chain.do(self.coordinator.calls.join(STAKE), account)

    def ok(self, *calls: tuple[str, ...], **environment: str) -> list[str]:
        """The outputs of calls that must succeed."""
        answers = self.project.batch(*calls, **environment)
        for call, (status, output) in zip(calls, answers, strict=True):
            assert status == 0, (call, output)
        return [output for _, output in answers]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    project = copied(tmp_path_factory.mktemp("powers"))
    with Anvil("--chain-id", str(CHAIN_ID)) as chain:
        project.brownie("networks", "add", "Federation", "fed-local", f"host={chain.url}", f"chainid={CHAIN_ID}")
        members = f"[members]\nmin_clients = 1\nallowlist = {json.dumps(chain.accounts[1:4])}\n"
        file = project.federation(f'{members}[phases]\ntrain = "10m"\n[money]\npool = 300\n')
        height = chain.web3.eth.block_number
        [(planned, plan)] = project.batch(("deploy", "plan", file))
        assert planned == 0 and chain.web3.eth.block_number == height, plan
        [(status, said)] = project.batch(("deploy", "main", file))
        assert status == 0, said
        coordinator = Coordinator.connect(chain.url, project.deployment().coordinator, CHAIN_ID)
        made = World(project, chain, coordinator, file, plan, said)
        token = chain.web3.eth.contract(address=coordinator.token.address, abi=MINT)
        chain.do(token.functions.mint(chain.accounts[0], 10**24), chain.accounts[0])
        made.join(*chain.accounts[1:3])
        yield made
        project.stop()


MINT = [
    {
        "type": "function",
        "name": "mint",
        "stateMutability": "nonpayable",
        "inputs": [{"name": "to", "type": "address"}, {"name": "amount", "type": "uint256"}],
        "outputs": [],
    }
]


def test_a_plan_says_what_comes_and_what_it_costs(world: World) -> None:
    planned = {name: int(gas.replace(",", "")) for name, gas in PLANNED.findall(world.planned)}
    used = {name: int(gas.replace(",", "")) for name, gas in GAS.findall(world.deployed)}
    assert CONTRACT_NAMES <= planned.keys() <= used.keys()
    for name, gas in planned.items():
        assert used[name] <= gas <= 1.04 * used[name] + 20_000, name
    created = sum(used[name] for name in ("FedAvg", "Disputes", "FederationCoordinator"))
    assert created <= CONTRACTS <= 1.02 * created, "what docs/costs.md reckons with"
    for words in (
        "Nothing is sent",
        "3 rounds; each lasts at most 3 h 40 min",
        "a bond of 25 FED",
        "300 FED",
        "ETH at 20",
    ):
        assert words in world.planned, words
    again, cheap = world.ok(("deploy", "plan", world.file), ("deploy", "plan", world.file, "0.5"))
    assert again.count("it is there already") == 3
    assert "ETH at 0.5 gwei" in cheap and "ETH at 20 gwei" not in cheap
    world.project.refused({("deploy", "plan", world.file, "cheap"): "no price of gas in gwei"})


def test_the_list_changes_and_seats_are_freed(world: World) -> None:
    chain, coordinator = world.chain, world.coordinator
    first, second, new = chain.accounts[1], chain.accounts[2], chain.accounts[5]
    calls = (
        ("members",),
        ("members", "allow", new, first),
        ("members", "disallow", second, new),
        ("members", "settle", first),
    )
    seats, allowed, off, settled = world.ok(*calls)
    assert seats.count("active, since round 1") == 2 and "only " + chain.accounts[0] + " may change it" in seats
    assert f"{new} is on the list: it may take a seat" in allowed and f"{first} is on the list already" in allowed
    assert f"{second} is off the list" in off and "its stake of 100 FED stays its own" in off.replace("Its", "its")
    assert coordinator.clients() == (first,)
    assert "its stake is 100 FED" in settled
    stranger = chain.accounts[7]
    cases = {
        ("members", "drop", first): "keeps its seat: the gate admits it, and it has not committed yet",
        ("members", "drop", stranger): "has no seat",
        ("members", "drop"): "which accounts?",
        ("members", "allow", "0x12"): "the address '0x12'",
    }
    world.project.refused(cases)
    chain.do(coordinator.calls.withdraw(), second)


def test_only_the_owner_and_the_sponsor_may(world: World, tmp_path: Path) -> None:
    """A federation whose sponsor is another account than the one that sends."""
    other = world.chain.accounts[3]
    text = f'[members]\nallowlist = {json.dumps(world.chain.accounts[1:4])}\n[money]\nsponsor = "{other}"\n'
    token = f'token = "{world.coordinator.token.address}"\n'
    environment = {"DEPLOYMENTS_DIR": str(tmp_path)}
    [(status, said)] = world.project.batch(
        ("deploy", "main", world.project.federation(text + token, "other.toml")), **environment
    )
    assert status == 0, said
    cases = {
        ("members", "allow", world.chain.accounts[8]): f"the list belongs to {other}",
        ("close", "now"): f"only the sponsor {other} may close it",
    }
    world.project.refused(cases, **environment)
    open_to_all = tmp_path / "open"
    path = world.project.federation("[money]\n" + token, "open.toml")
    calls = (("deploy", "main", path), ("members", "allow", other), ("members",))
    (made, _), (refused, why), (shown, seats) = world.project.batch(*calls, DEPLOYMENTS_DIR=str(open_to_all))
    assert (made, refused, shown) == (0, 1, 0)
    assert "open to all: it has no list" in why and "open to all" in seats


def test_one_of_several_federations_is_chosen(world: World) -> None:
    first = world.project.deployment()
    path = world.project.federation(f'[money]\ntoken = "{first.token}"\n', "second.toml")
    _, listed, newest = world.ok(("deploy", "main", path), ("rounds", "federations"), ("rounds",))
    second = world.project.deployment()
    assert first.coordinator in listed and second.coordinator in listed
    assert f"federation small, {second.coordinator}, the one last deployed here; FED_COORDINATOR=0x…" in newest
    (chosen,) = world.ok(("fund", "main", "5"), FED_COORDINATOR=first.coordinator[:10].lower())
    assert f"federation small, {first.coordinator}\n" in chosen
    assert "The pool holds 305 FED" in chosen
    world.project.refused({("rounds",): "no federation is called 0x1234567"}, FED_COORDINATOR="0x1234567")
    world.project.refused({("rounds",): "several federations are called small"}, FED_COORDINATOR="small")


def test_closing_is_shown_first_and_takes_back_what_is_free(world: World) -> None:
    chain, coordinator = world.chain, world.coordinator
    sponsor, member = chain.accounts[0], chain.accounts[1]
    chain.do(coordinator.calls.commit(1, coordinator.config().genesis_root, b"\1" * 32), member)  # round 1 is open
    pool, before = coordinator.balances().pool, coordinator.token.balance_of(sponsor)
    chosen = {"FED_COORDINATOR": coordinator.address}
    shown, closed = world.ok(("close",), ("close", "now"), **chosen)
    assert "Closing cannot be undone" in shown and "100 FED are reserved for open rounds" in shown
    assert "is closed: no further round opens" in closed and "100 FED are reserved" in closed
    assert coordinator.is_closed() and coordinator.token.balance_of(sponsor) == before + pool
    chain.set_time(chain.now() + 10_000)  # nobody reveals: the round is void, and its reward comes back to the pool
    again, over = world.ok(("close", "now"), ("close",), **chosen)
    assert f"{sponsor} received 100 FED" in again
    assert "It is closed already" in over
    check_refused({("fund",): "closed"}, world.project.batch(("fund", "main", "1"), **chosen))


def test_a_token_for_a_test_chain(world: World) -> None:
    receiver = world.chain.accounts[8]
    (made,) = world.ok(("token",))
    token = re.search(r'token = "(0x\w+)"', made)
    assert token is not None
    (given,) = world.ok(("token", "give", token[1], "12.5", receiver))
    assert f"{receiver} received 12.5 FED and holds 12.5 FED" in given
    cases = {
        ("token", "give", token[1], "0", receiver): "above zero",
        ("token", "give", token[1]): "what to whom?",
        ("token", "give", world.coordinator.address, "1", receiver): "is no ERC-20 token",
    }
    world.project.refused(cases)


def test_a_network_without_its_endpoint_is_a_sentence(world: World) -> None:
    said = world.project.brownie("run", "rounds", "--network", "sepolia", status=1)
    assert "WEB3_INFURA_PROJECT_ID is not set: set it in the environment" in said
    assert "brownie networks modify sepolia host=https://" in said
    assert "Traceback" not in said and "File" not in said
