"""The leaf digests of a proposal, read back from the events of its pages and verified against its root."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fedprotocol.chain.abi import WORD
from fedprotocol.chain.endpoint.rpc import FallbackProvider, web3_on
from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.event_table import EventIndexError
from fedprotocol.chain.read.events import chunks, headline, round_block
from fedprotocol.errors import FedError
from fedprotocol.tree import DIGEST_BYTES, MAX_LEAVES, PAGE_LEAVES, page_root, root
from web3 import Web3
from web3.types import LogReceipt

PAGED, PROPOSED = "ProposalPaged", "Proposed"
ROOT_TOPIC = 3  # of Proposed, after its own, the round and the proposer
# words of a page's data before the digests: number, root, where the digests begin, and how many there are
HEAD = 4 * WORD
LARGEST_DATA = HEAD + PAGE_LEAVES * DIGEST_BYTES
MAX_PAGES = MAX_LEAVES // PAGE_LEAVES


class ProposalUnreadable(FedError):
    """No RPC endpoint gives the digests. The message names the proposal, and says what each endpoint answered."""


def proposed_digests(events: EventIndex, round_number: int, proposer: str, proposed: bytes) -> list[bytes]:
    """All leaf digests of the proposal with root `proposed` that `proposer` completed in a round. The event index is
    read first. If a page is missing there, or the index cannot be brought up to date, each RPC endpoint is asked
    separately. Each digest is verified, so one endpoint that tells the truth is enough.

    Raises ProposalUnreadable.
    """
    proposer = Web3.to_checksum_address(proposer)
    failures = []
    for name, logs in _sources(events, round_number, proposer):
        try:
            digests = assembled(logs, proposed)
        except (ChainError, EventIndexError) as error:
            failures.append(f"{name}: {error}")
            continue
        if digests is not None:
            return digests
        failures.append(f"{name} lacks them")
    raise ProposalUnreadable(
        f"the logs that hold the digests of 0x{proposed.hex()} by {proposer} in round {round_number} are withheld "
        f"({'; '.join(failures)}): add an RPC endpoint of somebody else"
    )


def assembled(logs: Iterable[LogReceipt], proposed: bytes) -> list[bytes] | None:
    """The digests under `proposed` in one proposer's pages of one round; None if some are missing. Only the pages of
    one proposal are kept in memory, however many there are.
    """
    pages: list[LogReceipt] = []
    for log in logs:
        name, _ = headline(log)
        if name == PAGED and len(log["data"]) <= LARGEST_DATA:
            number = int.from_bytes(bytes(log["data"][:WORD]))
            if number == 0:
                pages.clear()
            if number == len(pages) < MAX_PAGES:
                pages.append(log)
        elif name == PROPOSED:
            if bytes(log["topics"][ROOT_TOPIC]) == proposed:
                digests = [digest for page in pages for digest in _digests(page)]
                if len(digests) > 1 and root(digests) == proposed:
                    return digests
            pages.clear()
    return None


def _digests(page: LogReceipt) -> list[bytes]:
    """The digests of a page; none if they do not lead to the page's root."""
    data = bytes(page["data"])
    digests = [data[at : at + DIGEST_BYTES] for at in range(HEAD, len(data), DIGEST_BYTES)]
    whole = len(data) > HEAD and len(data) % DIGEST_BYTES == 0
    return digests if whole and page_root(digests) == data[WORD : 2 * WORD] else []


def _sources(events: EventIndex, round_number: int, proposer: str) -> Iterator[tuple[str, Iterator[LogReceipt]]]:
    """This proposer's log entries in a round, one iterable for each source. A source is asked only when its entries are
    read."""
    yield "the index of events", _indexed(events, round_number, proposer)
    provider = events.coordinator.web3.provider
    if isinstance(provider, FallbackProvider):
        for name, alone in provider.each():
            coordinator = events.coordinator
            there = Coordinator(web3_on(alone), coordinator.address, coordinator.chain_id)
            yield name, _asked(there, round_number, proposer)


def _indexed(events: EventIndex, round_number: int, proposer: str) -> Iterator[LogReceipt]:
    events.sync()
    yield from events.logs((PAGED, PROPOSED), round_number, proposer)


def _asked(coordinator: Coordinator, round_number: int, proposer: str) -> Iterator[LogReceipt]:
    last = coordinator.head()
    indexed = (round_number.to_bytes(WORD), bytes(12) + Web3.to_bytes(hexstr=proposer))  # type: ignore[arg-type]
    first = round_block(coordinator, round_number, last)
    for _, logs in chunks(coordinator, first, last, (PAGED, PROPOSED), indexed):
        yield from logs
