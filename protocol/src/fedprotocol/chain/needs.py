"""Every kind of call to the chain's node that a conviction needs. They are tried before there is anything to
convict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import TransactionNotFound
from web3.types import RPCEndpoint, RPCError, TxParams

from fedprotocol.chain.endpoint.refusals import SENDS
from fedprotocol.chain.errors import ChainError, ContractReverted, NotACoordinator, RpcRefused, translated
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.disputes import Disputes, Opening, Proof, Sums, calldata
from fedprotocol.chain.read.events import chunks, logs_of_block
from fedprotocol.chain.read.snapshot import take_snapshot
from fedprotocol.chain.send.fees import suggested_tip
from fedprotocol.chain.send.gas import estimated

LARGEST_LEAF = 126 * 1024  # bytes: together with the rest of a proof, the largest transaction that a node's pool takes
BLOCKS = 2_000  # of logs
NO_METHOD, METHOD_MISSING = "eth_noSuchMethod", -32601
NOWHERE = b"\xfe" * 32  # no transaction has this hash, and no round these inputs


class NotServed(ChainError):
    """The node lacks a kind of call that nothing can replace."""


@dataclass(frozen=True)
class Asked:
    """The account whose view is asked for, and how many blocks deep something must lie before a program acts on it."""

    coordinator: Coordinator
    account: str
    confirmations: int


@dataclass(frozen=True)
class Need:
    """One kind of call. `at` raises ChainError if the node does not serve it. `without`: what the program does if it is
    not served; empty if only another node helps."""

    name: str
    at: Callable[[Asked], None]
    without: str = ""


@dataclass(frozen=True)
class ProbeResult:
    """The result for one need. `problem` is empty if the node serves it."""

    need: Need
    problem: str

    @property
    def is_missing(self) -> bool:
        """Whether nothing can replace it."""
        return bool(self.problem) and not self.need.without


def probe(asked: Asked) -> Iterator[ProbeResult]:
    """Try every need with the configured endpoints, as the programs would ask. Nothing is sent that could be mined."""
    for need in NEEDS:
        try:
            need.at(asked)
        except ChainError as error:
            yield ProbeResult(need, str(error))
        else:
            yield ProbeResult(need, "")


def describe_served(found: Sequence[ProbeResult]) -> str:
    """A text that says what is served, and what the program does without the rest. Raises NotServed if something that
    nothing can replace is missing."""
    if missing := [result for result in found if result.is_missing]:
        listed = "; ".join(f"{result.need.name} ({result.problem})" for result in missing)
        raise NotServed(f"the chain's node does not serve: {listed}")
    replaced = [result.need for result in found if result.problem]
    missing_kinds = "".join(f"; not served: {need.name}, {need.without}" for need in replaced)
    return f"{len(found) - len(replaced)} kinds of calls that a conviction takes are served{missing_kinds}"


def _snapshot(asked: Asked) -> None:
    take_snapshot(asked.coordinator, asked.account)


def _past(asked: Asked) -> None:
    block = max(0, asked.coordinator.head() - asked.confirmations)
    with suppress(NotACoordinator):  # the contract did not exist yet at that block
        asked.coordinator.round_view(1, block)
    with translated("eth_getCode"):
        asked.coordinator.web3.eth.get_code(asked.coordinator.address, block)


def _logs_of_range(asked: Asked) -> None:
    last = asked.coordinator.head()
    for _ in chunks(asked.coordinator, max(0, last - BLOCKS), last):
        pass


def _logs_of_block(asked: Asked) -> None:
    with translated("eth_getBlockByNumber"):
        block = asked.coordinator.web3.eth.get_block("latest")
    logs_of_block(asked.coordinator, bytes(block["hash"]))


def _large_call(asked: Asked) -> None:
    with suppress(ContractReverted), translated("eth_call of a large proof"):
        asked.coordinator.web3.eth.call(_request(asked), "pending")
        raise RpcRefused("eth_call of a large proof: it was not run")


def _large_estimate(asked: Asked) -> None:
    with suppress(ContractReverted):
        if estimated(asked.coordinator.web3.eth, _request(asked), "a large proof") is None:
            raise RpcRefused("eth_estimateGas of a large proof: no estimate")


def _nonce(asked: Asked) -> None:
    with translated("eth_getTransactionCount"):
        asked.coordinator.web3.eth.get_transaction_count(_checksummed(asked), "pending")


def _balance(asked: Asked) -> None:
    with translated("eth_getBalance"):
        asked.coordinator.web3.eth.get_balance(_checksummed(asked), "pending")


def _tip(asked: Asked) -> None:
    suggested_tip(asked.coordinator.web3.eth)


def _followed(asked: Asked) -> None:
    eth = asked.coordinator.web3.eth
    for method in (eth.get_transaction, eth.get_transaction_receipt):
        with translated("following a transaction"), suppress(TransactionNotFound):
            method(HexBytes(NOWHERE))


def _sent(asked: Asked) -> None:
    """Data of the largest size of a transaction that are no transaction. Every node refuses them. A node that takes no
    transactions says so, or says what it says about any method that it lacks."""
    refusal, unknown = (_refusal(asked, RPCEndpoint(method)) for method in (SENDS, NO_METHOD))
    if refusal["code"] == METHOD_MISSING or refusal == unknown:
        raise RpcRefused(f"{SENDS}: the node refused: {refusal['message']}")


def _refusal(asked: Asked, method: RPCEndpoint) -> RPCError:
    """What a node says about 128 KiB that are no transaction, without the method's name."""
    with translated(method):
        answer = asked.coordinator.web3.provider.make_request(method, ["0x" + "ff" * LARGEST_LEAF])
        error = answer["error"]
        return RPCError(code=error["code"], message=error["message"].replace(method, "it"))


def _request(asked: Asked) -> TxParams:
    """A proof of the largest size, which the contract refuses at once, because no round has its inputs."""
    filler = Opening(bytes(LARGEST_LEAF), ())
    proof = Proof(0, bytes(32), NOWHERE, 0, 0, (), bytes(32), (), Sums(), (filler,))
    disputes = Disputes(asked.coordinator)
    return TxParams(
        {"from": _checksummed(asked), "to": disputes.address, "data": HexBytes(calldata(disputes.call(proof)))}
    )


def _checksummed(asked: Asked) -> ChecksumAddress:
    return Web3.to_checksum_address(asked.account)


NEEDS = (
    Need("the round and the account in one eth_call", _snapshot),
    Need("the same some blocks ago", _past),
    Need("logs of a range of blocks", _logs_of_range),
    Need("logs of a block by its hash", _logs_of_block),
    Need("eth_call with 128 KiB", _large_call, without="convictions are sent without a dry run"),
    Need("eth_estimateGas with 128 KiB", _large_estimate, without="convictions are given an upper bound of gas"),
    Need("the next nonce, pending ones counted", _nonce),
    Need("the balance", _balance, without="convictions are sent without a look at it"),
    Need("a suggested tip", _tip, without="1 gwei is bid"),
    Need("transactions and receipts by hash", _followed),
    Need("eth_sendRawTransaction with 128 KiB", _sent),
)
