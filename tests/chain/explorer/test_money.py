"""The books, the seats and the token's transfers, after random histories: all is as the contracts say it, at every
block with an event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address
from fedexplorer.follow.first_block import first_block
from fedexplorer.follow.money import Money, MoneyFollower
from fedexplorer.history.books import FLOWS, Books, Statement
from fedexplorer.history.equation import Equation
from fedexplorer.history.holdings import EFFECTS, holdings
from fedexplorer.history.log import Log
from fedexplorer.history.seats import Standing, stays
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.events import Event
from fedprotocol.types import Seat
from support.chain_histories import ChainHistory
from support.contract_and_model import Play
from support.deployed import CHAIN_ID
from support.evm import Anvil
from support.federation import Deployed

SEATED = 2**32 - 1
SEEDS = (2, 3)


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--order", "fifo", "--base-fee", "0", "--gas-price", "0") as chain:
        yield chain


class Reader:
    """Reads a history as the explorer does."""

    def __init__(self, history: ChainHistory, folder: Path) -> None:
        self.coordinator = history.coordinator
        self.index = EventIndex(history.coordinator, folder / "events.sqlite", lambda: first_block(history.coordinator))
        self.follower = MoneyFollower(history.coordinator, folder / "transfers.sqlite")
        self.log = Log()

    def look(self) -> Money:
        reached = self.index.sync()
        kept = self.log.kept_by(self.index.has)
        after = (kept[-1].block, kept[-1].log_index) if len(kept) else None
        self.log = kept.extended(self.index.stream(after=after))
        return self.follower.look(self.log, reached, self.index.hash_of(reached))


def seat_of(account: str, events: Sequence[Event]) -> Seat:
    """What the history says of the seat, in the lens's words; what it does not follow is zero."""
    found = stays(account, events)
    if not found or found[-1].standing is Standing.WITHDRAWN:
        return Seat(0, 0, 0, 0, 0, 0, False)
    last = found[-1]
    first, end = last.spans[-1]
    stake = holdings(account, events, "").now.stake
    return Seat(stake, first, SEATED if end is None else end, 0, 0, last.last_commit, last.left is not None)


def assert_right(history: ChainHistory, money: Money, log: Log, known: set[Statement]) -> None:
    """Every statement, check and account, against the lens and the token at that block; not again where it is known."""
    sponsor = history.coordinator.config().sponsor
    assert not money.obstacle
    assert [check.statement for check in money.equation.checks] == list(money.books.statements)
    assert [s.block for s in money.books.statements] == sorted({event.block for event in log})
    for check in money.equation.checks:
        if check.statement in known:
            continue
        known.add(check.statement)
        said = history.said(check.statement.block)
        assert (check.statement.balances, check.held) == (said.balances, said.held)
        events = log[: check.statement.events]
        for account in history.accounts:
            mine, lens = seat_of(account, events), said.seats[account]
            assert mine == replace(lens, pending_old=0, pending_new=0)
            assert holdings(account, events, sponsor).now.owed == said.owed[account]
    everyone = [stay for account in history.accounts for stay in stays(account, log)]
    for opened in log.named("RoundOpened"):
        number, before = opened.args["round"], (opened.block, opened.log_index)
        seated = [s for s in everyone if s.withdrawn is None or (s.withdrawn.block, s.withdrawn.log_index) > before]
        assert sum(stay.active_in(number) for stay in seated) == opened.args["active"]
    for stay in everyone:
        ends = [n for first, end in stay.spans for n in (first, end) if n is not None]
        assert ends == sorted(ends), "a round is counted twice"
    everybody = {a for event in log for a in event.args.values() if isinstance(a, str)} | {sponsor}
    now = [holdings(account, log, sponsor).now for account in everybody]
    assert sum(h.stake for h in now) == money.books.balances.stakes
    assert sum(h.bonds for h in now) == money.books.balances.bonds
    assert (money.held, money.lens) == (money.equation.checks[-1].held, money.books.balances)


def test_what_the_log_says_is_what_the_contracts_say(chain: Anvil, tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    replaced = 0
    for seed in SEEDS:
        history = ChainHistory(chain, seed)
        reader = Reader(history, tmp_path / str(seed))
        known: set[Statement] = set()
        history.play(40)
        reader.look()
        with history.that_goes():
            history.play(8)
            gone = reader.look()
            assert_right(history, gone, reader.log, known)
        history.play(20)
        assert_right(history, reader.look(), reader.log, known)
        history.wind_down()
        after = reader.look()
        assert_right(history, after, reader.log, known)
        replaced += len(set(gone.books.statements) - set(after.books.statements))
        assert after.books == Books().follow(reader.log), "step by step it is another history"
        again = Equation().follow(after.books, after.transfers, reader.log.of_transaction)
        assert after.equation == again and not again.deficits
        assert after.books.balances.total == after.books.balances.burned
        assert not after.equation.unasked
        seen.update(event.name for event in reader.log)
        history.twin.close()
    assert replaced > 5, "there was no re-org"
    wanted = {moved.event for moved in (*FLOWS, *EFFECTS)} | {"Suspended", "Reactivated", "Exited"}
    assert not wanted - set(seen), "no history has these"


def test_a_client_that_was_dropped(chain: Anvil) -> None:
    play = Play(Deployed(chain), actors=7)
    coordinator = Coordinator.connect(chain.url, play.deployed.address, CHAIN_ID)
    clients = play.start(4)
    for number in (1, 2):
        play.commits(number, *clients[:3])
        play.at(play.end_of_phase(number)).reveals(number, *clients[:3])
        play.attests(number, *clients[:3])
        play.propose(number, clients[0], number)
        play.at(play.model.now + play.config.challenge_length).do(clients[0], "settle", clients[0])
    play.do(clients[1], "drop", clients[3])
    absent = to_checksum_address(clients[3])
    index = EventIndex(coordinator)
    index.sync()
    events = index.events()
    [stay] = stays(absent, events)
    assert stay.standing is Standing.DROPPED
    assert [stay.active_in(number) for number in (1, 2, 3)] == [True, True, False]
    assert seat_of(absent, events) == coordinator.seat(absent)
    play.do(clients[3], "withdraw")
    index.sync()
    assert [stay.standing for stay in stays(absent, index.events())] == [Standing.WITHDRAWN]
    play.close()
