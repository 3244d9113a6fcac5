"""The leaf digests of a proposal, read back from the calldata that carried them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eth_utils.abi import function_abi_to_4byte_selector
from fedprotocol.chain.abi import entry
from fedprotocol.chain.coordinator import Coordinator
from fedprotocol.chain.errors import translated
from fedprotocol.chain.event_index import EventIndex
from fedprotocol.errors import FedError
from fedprotocol.tree import DIGEST_BYTES, PAGE_LEAVES, page_root, root
from web3 import Web3
from web3.types import RPCEndpoint

WORD = 32
SELECTOR_BYTES = 4
MAX_CALLS = 64


class ProposalUnreadable(FedError):
    """The digests could not be had from the chain's node; the message says which page of which proposal."""


def proposed_digests(events: EventIndex, round_number: int, proposer: str) -> list[bytes]:
    """Every leaf digest of the proposal that `proposer` completed in a round, verified against its root on-chain.

    The pages are found by their events. They are searched in the whole calldata of the transaction, because the
    proposer may be a contract, and failing that in the calls that the node's `debug_traceTransaction` shows.

    Raises:
        ProposalUnreadable: no completed proposal, or a page whose digests the node does not give.
        ChainError, EventIndexError: the chain does not answer, or the index cannot be kept.
    """
    proposer = Web3.to_checksum_address(proposer)
    events.sync()
    pages: dict[int, tuple[bytes, bytes]] = {}
    for event in events.events(("ProposalPaged", "Proposed"), round_number):
        if event.args["proposer"] != proposer:
            continue
        if event.name == "ProposalPaged":
            if event.args["page"] == 0:
                pages.clear()
            pages[event.args["page"]] = (event.args["page_root"], event.tx_hash)
            continue
        digests = [
            digest
            for page, (expected, tx_hash) in sorted(pages.items())
            for digest in _page(events.coordinator, tx_hash, round_number, page, expected)
        ]
        if root(digests) != event.args["root"]:
            break
        return digests
    raise ProposalUnreadable(f"the node's logs hold no whole proposal of {proposer} in round {round_number}")


def page_in(data: bytes, round_number: int, page: int, expected: bytes) -> list[bytes] | None:
    """The digests under the page root `expected` that a `propose(round_number, page, …)` anywhere in `data` carries.

    Only the first MAX_CALLS such calls are tried, each a few milliseconds: hostile calldata may hold any number.
    """
    call = function_abi_to_4byte_selector(entry("coordinator", "function", "propose"))  # type: ignore[arg-type]
    call += round_number.to_bytes(WORD, "big") + page.to_bytes(WORD, "big")
    at = data.find(call)
    for _ in range(MAX_CALLS):
        if at < 0:
            return None
        digests = _digests(data, at + SELECTOR_BYTES)
        if digests and page_root(digests) == expected:
            return digests
        at = data.find(call, at + 1)
    return None


def _digests(data: bytes, arguments: int) -> list[bytes]:
    """The array that the third of the `arguments`, which begin there in `data`, points to; empty if it is cut off."""
    start = arguments + _word(data, arguments + 2 * WORD) + WORD
    count = _word(data, start - WORD)
    if count > PAGE_LEAVES or start + count * DIGEST_BYTES > len(data):
        return []
    return [data[at : at + DIGEST_BYTES] for at in range(start, start + count * DIGEST_BYTES, DIGEST_BYTES)]


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + WORD], "big")


def _page(coordinator: Coordinator, tx_hash: bytes, round_number: int, page: int, expected: bytes) -> list[bytes]:
    for data in _calldata(coordinator, tx_hash):
        digests = page_in(data, round_number, page, expected)
        if digests is not None:
            return digests
    raise ProposalUnreadable(
        f"page {page} of round {round_number} is not in the calldata of 0x{tx_hash.hex()} and the node does not trace: "
        "add an RPC endpoint that answers debug_traceTransaction"
    )


def _calldata(coordinator: Coordinator, tx_hash: bytes) -> Iterator[bytes]:
    """What was sent, then what the coordinator was called with inside, unless it reverted."""
    web3, name = coordinator.web3, Web3.to_hex(tx_hash)
    with translated("eth_getTransactionByHash"):
        yield bytes(web3.eth.get_transaction(name)["input"])
    with translated("debug_traceTransaction"):
        method = RPCEndpoint("debug_traceTransaction")
        answer: Any = web3.provider.make_request(method, [name, {"tracer": "callTracer"}])
    todo = [answer.get("result") or {}]
    while todo:
        call = todo.pop()
        if call.get("error"):  # reverted, and with it all that it called
            continue
        todo += call.get("calls", ())
        if Web3.is_address(call.get("to")) and Web3.to_checksum_address(call["to"]) == coordinator.address:
            yield Web3.to_bytes(hexstr=call.get("input", "0x"))
