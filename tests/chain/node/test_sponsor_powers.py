"""What a contract lets its sponsor, and anybody, do: `fednode federation` plan, members, close, token."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.deployment.contract_code import shipped_code
from fedprotocol.deployment.costs import CONTRACTS
from support.evm import Anvil
from support.sponsor import CHAIN_ID, Sponsor

STAKE = 100 * 10**18
CONTRACT_NAMES = {"DemoToken", "AllowlistGate", "FedAvg", "Disputes", "PeerDirectory", "FederationCoordinator"}
GAS = re.compile(r"(\w+): 0x\w+ \(([\d,]+) gas")
PLANNED = re.compile(r"^  (\w+) +([\d,]+) gas$", re.MULTILINE)


@dataclass
class World:
    """A federation with an allowlist of anvil's accounts 1 to 3, of which 1 and 2 have a seat; the sponsor is 0."""

    sponsor: Sponsor
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


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Anvil("--chain-id", str(CHAIN_ID)) as chain:
        sponsor = Sponsor(tmp_path_factory.mktemp("powers"), chain)
        members = f"[members]\nmin_clients = 1\nallowlist = {json.dumps(chain.accounts[1:4])}\n"
        file = sponsor.file(f'{members}[phases]\ntrain = "10m"\n[money]\npool = 300\n')
        height = chain.web3.eth.block_number
        plan = sponsor.run("plan", file)
        assert chain.web3.eth.block_number == height
        said = sponsor.run("deploy", file)
        coordinator = Coordinator.connect(chain.url, sponsor.deployment().coordinator, CHAIN_ID)
        made = World(sponsor, chain, coordinator, file, plan, said)
        token = chain.web3.eth.contract(address=coordinator.token.address, abi=shipped_code("DemoToken").abi)
        chain.do(token.functions.mint(chain.accounts[0], 10**24), chain.accounts[0])
        made.join(*chain.accounts[1:3])
        yield made


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
    again, cheap = (world.sponsor.run("plan", world.file, *price) for price in ((), ("--gas-price", "0.5")))
    assert again.count("it is there already") == 3
    assert "ETH at 0.5 gwei" in cheap and "ETH at 20 gwei" not in cheap
    world.sponsor.refused({("plan", world.file, "--gas-price", "cheap"): "no price of gas in gwei"})


def test_the_list_changes_and_seats_are_freed(world: World) -> None:
    chain, coordinator = world.chain, world.coordinator
    first, second, new = chain.accounts[1], chain.accounts[2], chain.accounts[5]
    calls = (
        ("members", "list"),
        ("members", "allow", new, first),
        ("members", "disallow", second, new),
        ("members", "settle", first),
    )
    seats, allowed, off, settled = (world.sponsor.run(*call) for call in calls)
    assert seats.count("active, since round 1") == 2 and "only " + chain.accounts[0] + " may change it" in seats
    assert f"{new} is on the list: it may take a seat" in allowed and f"{first} is on the list already" in allowed
    assert f"{second} is off the list" in off and "its stake of 100 FED stays its own" in off.replace("Its", "its")
    assert coordinator.clients() == (first,)
    assert "its stake is 100 FED" in settled
    stranger = chain.accounts[7]
    cases = {
        ("members", "drop", first): "keeps its seat: the gate admits it, and it has not committed yet",
        ("members", "drop", stranger): "has no seat",
        ("members", "allow", "0x12"): "the address '0x12'",
    }
    world.sponsor.refused(cases)
    chain.do(coordinator.calls.withdraw(), second)


def test_only_the_owner_and_the_sponsor_may(world: World, tmp_path: Path) -> None:
    """A federation whose sponsor is another account than the one that sends."""
    other = world.chain.accounts[3]
    text = f'[members]\nallowlist = {json.dumps(world.chain.accounts[1:4])}\n[money]\nsponsor = "{other}"\n'
    token = f'token = "{world.coordinator.token.address}"\n'
    environment = {"DEPLOYMENTS_DIR": str(tmp_path)}
    world.sponsor.run("deploy", world.sponsor.file(text + token, "other.toml"), **environment)
    cases = {
        ("members", "allow", world.chain.accounts[8]): f"the list belongs to {other}",
        ("close", "now"): f"only the sponsor {other} may close it",
    }
    world.sponsor.refused(cases, **environment)
    elsewhere = {"DEPLOYMENTS_DIR": str(tmp_path / "open")}
    world.sponsor.run("deploy", world.sponsor.file("[money]\n" + token, "open.toml"), **elsewhere)
    world.sponsor.refused({("members", "allow", other): "open to all: it has no list"}, **elsewhere)
    assert "open to all" in world.sponsor.run("members", "list", **elsewhere)


def test_one_of_several_federations_is_chosen(world: World) -> None:
    sponsor = world.sponsor
    first = sponsor.deployment()
    sponsor.run("deploy", sponsor.file(f'[money]\ntoken = "{first.token}"\n', "second.toml"))
    second = sponsor.deployment()
    listed, newest = sponsor.run("list"), sponsor.run("show")
    assert first.coordinator in listed and second.coordinator in listed
    assert f"federation small, {second.coordinator}, the one last deployed here; --federation 0x…" in newest
    chosen = sponsor.run("fund", "5", "--federation", first.coordinator[:10].lower())
    assert f"federation small, {first.coordinator}\n" in chosen
    assert "The pool holds 305 FED" in chosen
    sponsor.refused({("show",): "no federation is called 0x1234567"}, FED_COORDINATOR="0x1234567")
    sponsor.refused({("show",): "several federations are called small"}, FED_COORDINATOR="small")


def test_closing_is_shown_first_and_takes_back_what_is_free(world: World) -> None:
    chain, coordinator = world.chain, world.coordinator
    sponsor, member = chain.accounts[0], chain.accounts[1]
    chain.do(coordinator.calls.commit(1, coordinator.config().genesis_root, b"\1" * 32), member)  # round 1 is open
    pool, before = coordinator.balances().pool, coordinator.token.balance_of(sponsor)
    chosen = ("--federation", coordinator.address)
    shown, closed = (world.sponsor.run("close", how, *chosen) for how in ("preview", "now"))
    assert "Closing cannot be undone" in shown and "100 FED are reserved for open rounds" in shown
    assert "is closed: no further round opens" in closed and "100 FED are reserved" in closed
    assert coordinator.is_closed() and coordinator.token.balance_of(sponsor) == before + pool
    chain.set_time(chain.now() + 10_000)  # nobody reveals: the round is void, and its reward comes back to the pool
    again, over = (world.sponsor.run("close", how, *chosen) for how in ("now", "preview"))
    assert f"{sponsor} received 100 FED" in again
    assert "It is closed already" in over
    world.sponsor.refused({("fund", "1", *chosen): "closed"})


def test_a_token_for_a_test_chain(world: World) -> None:
    receiver = world.chain.accounts[8]
    made = world.sponsor.run("token", "new")
    token = re.search(r'token = "(0x\w+)"', made)
    assert token is not None
    given = world.sponsor.run("token", "give", token[1], "12.5", receiver)
    assert f"{receiver} received 12.5 FED and holds 12.5 FED" in given
    cases = {
        ("token", "give", token[1], "0", receiver): "above zero",
        ("token", "give", world.coordinator.address, "1", receiver): "is no ERC-20 token",
    }
    world.sponsor.refused(cases)
