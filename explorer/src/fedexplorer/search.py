"""What a text in the search box may be, and where each meaning leads."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fedprotocol.address import parse_address
from fedprotocol.printable import printable
from fedprotocol.tree import RAW, TreeError, cid, parse_cid

LONGEST = 200  # characters that are looked at
LARGEST = 2**63  # numbers of blocks and rounds are far below
MOST_NAMES = 20  # accounts and events that a part of a name may find

_NUMBER = re.compile(r"(?:(?P<what>rounds?|blocks?)\s*#?|#)?\s*(?P<digits>[0-9][0-9,_ \u00a0\u202f]*)", re.IGNORECASE)
_HEX = re.compile(r"(?:0x)?(?P<digits>[0-9a-f]+)", re.IGNORECASE)
_CID = re.compile(r"(?:ipfs://|/ipfs/)?(?P<cid>b[a-z2-7]{58})/?", re.IGNORECASE)
ADDRESS_DIGITS, HASH_DIGITS = 40, 64


@dataclass(frozen=True, slots=True)
class Hit:
    """One meaning of the text. `page` and `parameters` are those of a link; `says` is what is there. `is_sure`: the
    federation has it; otherwise it may be somewhere on the chain or in the store."""

    page: str
    parameters: Mapping[str, object]
    says: str
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What a text may mean, the surest first; `hint` helps if that is nothing."""

    hits: tuple[Hit, ...]
    hint: str = ""

    @property
    def only(self) -> Hit | None:
        """Where to go at once."""
        considered = [hit for hit in self.hits if hit.is_sure] or self.hits
        places = [(hit.page, hit.parameters) for hit in considered]
        return considered[0] if places and all(place == places[0] for place in places) else None


@dataclass(frozen=True)
class Known:
    """What the federation has.

    Args:
        rounds: the last round that was opened; 0 for none.
        head: the newest block.
        names: what accounts are called, by checksummed address.
        accounts: all that the log or the configuration names, checksummed.
        event_names: those that the coordinator's log may have.
        has_transaction: whether the log names it.
        block_of: the number of the block with this hash; None if the log does not name it.
        content_of: the pages of what has this root or digest; none if neither log nor configuration names it.
    """

    rounds: int
    head: int
    names: Mapping[str, str] = field(default_factory=dict)
    accounts: Collection[str] = ()
    event_names: Collection[str] = ()
    has_transaction: Callable[[bytes], bool] = lambda _: False
    block_of: Callable[[bytes], int | None] = lambda _: None
    content_of: Callable[[bytes], Sequence[Hit]] = lambda _: ()


def find(text: str, known: Known) -> Found:
    """Everything that `text` may mean in this federation."""
    cut = " ".join(text[:LONGEST].split())
    if not cut:
        return Found((), "Type a round such as 3, an address, a hash, a CID, a block, an event or a name.")
    hits = [*_numbers(cut, known), *_hexadecimal(cut, known), *_cids(cut, known), *_words(cut, known)]
    hits.sort(key=lambda hit: not hit.is_sure)
    return Found(tuple(hits), "" if hits else _hint(cut, known))


def _numbers(text: str, known: Known) -> Iterator[Hit]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return
    number = _whole(match["digits"])
    what = (match["what"] or "").lower().rstrip("s")
    if what != "block" and 1 <= number <= known.rounds:
        yield Hit("round", {"number": number}, f"round {number}")
    if what != "round" and number <= known.head:
        yield Hit("block", {"number": number}, f"block {number}")


def _hexadecimal(text: str, known: Known) -> Iterator[Hit]:
    match = _HEX.fullmatch(text)
    digits = match["digits"] if match else ""
    if len(digits) == ADDRESS_DIGITS:
        yield from _address(digits, known)
    elif len(digits) == HASH_DIGITS:
        yield from _hash(bytes.fromhex(digits), known)


def _address(digits: str, known: Known) -> Iterator[Hit]:
    try:
        address = parse_address("0x" + digits)
    except ValueError:
        return
    is_known = address in known.accounts or address in known.names
    name = known.names.get(address, "")
    says = (
        f"the account {name or address}" if is_known else f"the address {address}, which the federation does not name"
    )
    yield Hit("address", {"address": address}, says, is_known)


def _hash(digest: bytes, known: Known) -> Iterator[Hit]:
    shown = "0x" + digest.hex()
    number, content = known.block_of(digest), known.content_of(digest)
    is_known = known.has_transaction(digest)
    if is_known:
        yield Hit("transaction", {"hash": shown}, f"the transaction {shown}")
    if number is not None:
        yield Hit("block", {"number": number}, f"block {number}, by its hash")
    yield from content
    if not is_known and number is None and not content:
        yield Hit("transaction", {"hash": shown}, f"the transaction {shown}, if the chain has it", is_sure=False)
        yield Hit("tree", {"root": shown}, f"the content with the root {shown}, if the store has it", is_sure=False)


def _cids(text: str, known: Known) -> Iterator[Hit]:
    match = _CID.fullmatch(text)
    if match is None:
        return
    try:
        codec, digest = parse_cid(match["cid"].lower())
    except TreeError:
        return
    content = known.content_of(digest)
    yield from content
    if codec != RAW and not content:
        yield Hit(
            "tree", {"root": "0x" + digest.hex()}, f"the content {cid(digest)}, if the store has it", is_sure=False
        )


def _words(text: str, known: Known) -> Iterator[Hit]:
    """Names of accounts, and names of events, by any part of them."""
    part = text.casefold()
    accounts = [(name, address) for address, name in known.names.items() if part in name.casefold()]
    exact = [(name, address) for name, address in accounts if name.casefold() == part]
    for name, address in sorted(exact or accounts)[:MOST_NAMES]:
        yield Hit("address", {"address": address}, f"the account {name}")
    compact = part.replace(" ", "")
    events = [name for name in known.event_names if len(compact) > 2 and compact in name.casefold()]
    for name in sorted(events)[:MOST_NAMES]:
        yield Hit("events", {"name": name}, f"all events {name}")


def _whole(digits: str) -> int:
    """The number that a person wrote with or without separators; LARGEST for all that are larger."""
    plain = re.sub(r"[^0-9]", "", digits)
    return min(LARGEST, int(plain)) if len(plain) < 20 else LARGEST


def _hint(text: str, known: Known) -> str:
    """Why nothing was found, and what could be."""
    number, digits = _NUMBER.fullmatch(text), _HEX.fullmatch(text)
    if number is not None:
        rounds = f"Rounds 1 to {known.rounds} were opened" if known.rounds else "No round was opened yet"
        return f"{rounds}, and the newest block is {known.head}."
    if digits is not None and text.lower().startswith("0x"):
        if len(digits["digits"]) == ADDRESS_DIGITS:
            return "This address has a wrong checksum: is it typed correctly?"
        count = len(digits["digits"])
        return f"An address has 40 digits after 0x, and a hash or root has 64. These are {count}."
    if _CID.fullmatch(text) and text.lower().startswith("bafkrei"):
        return "This is the CID of a single leaf. Leaves are on the page of the tree that they belong to."
    if text.startswith(("baf", "Qm", "ipfs:", "/ipfs/")):
        return (
            "This is no CID of a federation's content: those have version 1, are written in base32 and begin with "
            "bafyrei or bafkrei."
        )
    return (
        f"Nothing here is called “{printable(text, 60)}”. Names of accounts come from the names file of this explorer."
    )
