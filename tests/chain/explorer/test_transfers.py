"""The balance by the token's own log: what was sent unasked, what is missing, and tokens whose log says too little."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fedexplorer.follow.first_block import first_block
from fedexplorer.follow.money import Money, MoneyFollower
from fedexplorer.history.books import Books
from fedexplorer.history.log import Log
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil
from support.proxy import Proxy


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--order", "fifo", "--base-fee", "0", "--gas-price", "0") as chain:
        yield chain


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
