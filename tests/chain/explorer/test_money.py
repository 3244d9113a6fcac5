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
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil
from support.federation import Deployed as Bare
from support.proxy import Proxy

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


class Federation:
    """A federation whose token is `mock`, and the explorer's look at its money."""

    def __init__(self, chain: Anvil, mock: str, url: str = "") -> None:
        self.chain = chain
        self.deployed = Deployed.on(chain, mock)
        self.sponsor = chain.accounts[0]
        self.coordinator = Coordinator.connect(url or chain.url, self.deployed.contract.address, CHAIN_ID)
        self.index = EventIndex(self.coordinator, None, lambda: first_block(self.coordinator))
        self.follower = MoneyFollower(self.coordinator)
        chain.do(self.deployed.token.functions.mint(self.sponsor, 10**6))
        chain.do(self.deployed.token.functions.approve(self.coordinator.address, 10**6))

    def fund(self, amount: int) -> None:
        self.chain.do(self.deployed.contract.functions.fund(amount))

    def send(self, amount: int) -> None:
        """Tokens that the coordinator did not ask for."""
        self.chain.do(self.deployed.token.functions.transfer(self.coordinator.address, amount))

    def look(self) -> Money:
        reached = self.index.sync()
        return self.follower.look(Log().extended(self.index.stream()), reached, self.index.hash_of(reached))


def test_what_was_sent_unasked_is_a_surplus(chain: Anvil) -> None:
    federation = Federation(chain, "TokenMock")
    federation.fund(1_000)
    federation.send(7)
    federation.send(0)  # costs nothing but gas, and is no transfer worth remembering
    federation.fund(50)
    money = federation.look()
    assert not money.obstacle
    assert [check.surplus for check in money.equation.checks] == [0, 7]
    assert [(sent.transfer.peer, sent.amount) for sent in money.equation.unasked] == [(federation.sponsor, 7)]
    assert [transfer.amount for transfer in money.transfers] == [1_000, 7, 50]
    assert money.held == federation.coordinator.token.balance_of(federation.coordinator.address) == 1_057
    assert money.transfers[1].time == chain.web3.eth.get_block(money.transfers[1].block)["timestamp"]


def test_what_is_missing_is_a_deficit(chain: Anvil) -> None:
    """No call can take it, so the coordinator itself is made to send tokens away, as a fault of its code would."""
    federation = Federation(chain, "TokenMock")
    federation.fund(1_000)
    address = federation.coordinator.address
    chain.rpc("anvil_impersonateAccount", address)
    chain.give(address, 10**18)
    chain.do(federation.deployed.token.functions.transfer(federation.sponsor, 30), address)
    federation.fund(5)
    money = federation.look()
    assert [check.surplus for check in money.equation.checks] == [0, -30]
    assert [(sent.transfer.peer, sent.amount) for sent in money.equation.unasked] == [(federation.sponsor, -30)]


@pytest.mark.parametrize("mock", ["SilentToken", "OddToken"])
def test_a_token_whose_log_is_not_standard_is_said_to_be_one(chain: Anvil, mock: str) -> None:
    federation = Federation(chain, mock)
    federation.fund(1_000)
    money = federation.look()
    assert "as ERC-20 wants it" in money.obstacle
    assert (money.equation.checks, money.equation.unasked) == ((), ())
    assert (money.held, money.lens) == (1_000, money.books.balances)


def test_a_token_with_four_topics_and_one_that_changes_balances_by_itself(chain: Anvil) -> None:
    odd = Federation(chain, "OddToken")
    chain.do(odd.deployed.token.functions.write(2))
    odd.fund(1_000)
    assert "in another form than ERC-20's" in odd.look().obstacle
    growing = Federation(chain, "OddToken")
    chain.do(growing.deployed.token.functions.write(0))
    growing.fund(1_000)
    assert growing.look().equation.checks
    chain.do(growing.deployed.token.functions.grow(growing.coordinator.address, 3))
    assert "do not add up" in growing.look().obstacle


def test_fees_of_a_token_are_in_its_log(chain: Anvil) -> None:
    """TaxToken takes them out of what arrives, and the coordinator refuses such a deposit."""
    federation = Federation(chain, "TaxToken")
    federation.fund(1_000)
    chain.do(federation.deployed.token.functions.setFee(2, False))
    federation.send(10)
    money = federation.look()
    assert not money.obstacle
    assert [sent.amount for sent in money.equation.unasked] == [8]


def test_a_token_that_does_not_answer_holds_up_nothing(chain: Anvil) -> None:
    with Proxy(chain.url) as proxy:
        federation = Federation(chain, "TokenMock", proxy.url)
        federation.fund(1_000)
        proxy.closed.add("eth_getLogs")
        reached, empty = chain.web3.eth.block_number, Log()
        money = federation.follower.look(empty, reached, bytes(32))
        assert "cannot be read" in money.obstacle and money.books == Books()
        proxy.closed.clear()
        assert federation.look().equation.checks[-1].held == 1_000
        seen = len(proxy.seen)
        federation.look()
        assert [request["method"] for request in proxy.seen[seen:]] == ["eth_getBlockByNumber"], "one look, one request"


def test_a_reorg_between_the_two_logs_is_no_deficit(chain: Anvil) -> None:
    """The coordinator's log was read before it, the token's after it."""
    federation = Federation(chain, "TokenMock")
    federation.fund(1_000)
    reached = federation.index.sync()
    log, block_hash = Log().extended(federation.index.stream()), federation.index.hash_of(reached)
    chain.rpc("anvil_reorg", 1, [])
    chain.rpc("anvil_dropAllTransactions")
    money = federation.follower.look(log, reached, block_hash)
    assert "has just changed" in money.obstacle and not money.equation.checks
    assert federation.look().equation.checks == ()
    assert federation.look().obstacle == ""


def test_a_client_that_was_dropped(chain: Anvil) -> None:
    play = Play(Bare(chain), actors=7)
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
