"""What the arguments of the federation's events and calls mean, so that a page can draw each by its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from eth_utils.address import to_checksum_address
from fedprotocol.chain.abi import Entry, snake
from fedprotocol.chain.errors import ENUMS

MOST_ITEMS = 8  # of a list of structs that are written out; the raw input has them all
MOST_DIGESTS = 2_048  # a page of a proposal


class Kind(StrEnum):
    """How a value is drawn."""

    ACCOUNT = "account"
    MONEY = "money"  # token units
    ROOT = "root"  # of a tree whose content can be opened
    DIGEST = "digest"  # any other 32 bytes
    TIME = "time"  # seconds since 1970
    LOSS = "loss"  # units of 1e-6
    ROUND = "round"
    CHOICES = "choices"  # a bit for each update
    WORD = "word"  # a value of an enum
    NUMBER = "number"
    BYTES = "bytes"
    TEXT = "text"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument by its name in snake_case; fields of structs have a path, `proof.start.count`. `value` is what its
    kind says: an int, a checksummed address, bytes, text, or for a list a tuple of bytes. `left_out` items of a list
    are not among the arguments."""

    name: str
    kind: Kind
    value: Any
    left_out: int = 0


_BY_NAME = {
    Kind.MONEY: "amount stake bond bounty reserved aggregator_reward client_rewards returned_to_pool "
    "returned_to_sponsor value",
    Kind.ROOT: "root prior_root proposal_root",
    Kind.DIGEST: "page_root hash inputs_hash salt claimed_digest",
    Kind.TIME: "train_end window_end at",
    Kind.LOSS: "loss_before loss_after",
    Kind.ROUND: "round active_from active_until",
    Kind.CHOICES: "bitmap accepted_mask",
    Kind.NUMBER: "active index shift examples weight page count leaf_index part",
}
_KINDS = {name: kind for kind, names in _BY_NAME.items() for name in names.split()}
_BY_TYPE = {"address": Kind.ACCOUNT, "bytes": Kind.BYTES, "string": Kind.TEXT, "bytes32": Kind.DIGEST}
_TEXTS = frozenset({"peers"})  # bytes in which people write


def kind_of(component: Entry) -> Kind:
    """The kind of one input of an event or a function, by its name and type."""
    kind, name = component["type"], snake(component["name"])
    if kind.endswith("]"):
        return Kind.LIST
    if component.get("internalType", "").rpartition(".")[2] in ENUMS:
        return Kind.WORD
    if name in _TEXTS:
        return Kind.TEXT
    if kind in ("address", "bytes", "string"):
        return _BY_TYPE[kind]
    return _KINDS.get(name, _BY_TYPE.get(kind, Kind.NUMBER))


def is_named(component: Entry) -> bool:
    """Whether the table of this module, or its type alone, says what an input means."""
    return kind_of(component) is not Kind.NUMBER or snake(component["name"]) in _KINDS


def of_event(components: Sequence[Entry], values: Mapping[str, Any]) -> tuple[Argument, ...]:
    """The arguments of a decoded event, in the order of the ABI. Values that are not in `values` are left out: long
    ones are not kept in memory."""
    return tuple(
        argument
        for component in components
        if snake(component["name"]) in values
        for argument in _written(component, values[snake(component["name"])], "")
    )


def of_call(components: Sequence[Entry], values: Sequence[Any]) -> tuple[Argument, ...]:
    """The arguments of a call that were decoded by the ABI, without the tuples around them."""
    return tuple(argument for c, value in zip(components, values, strict=True) for argument in _written(c, value, ""))


def _written(component: Entry, value: Any, above: str) -> Iterator[Argument]:
    name, kind = above + snake(component["name"]), component["type"]
    if kind == "tuple":
        for inner, given in zip(component["components"], value, strict=True):
            yield from _written(inner, given, f"{name}.")
    elif kind.endswith("]"):
        yield from _listed(component, value, name, above)
    else:
        yield Argument(name, kind_of(component), _plain(component, value))


def _listed(component: Entry, value: Any, name: str, above: str) -> Iterator[Argument]:
    if isinstance(value, int):  # of a long list only the number of items is kept in memory
        yield Argument(name, Kind.LIST, (), value)
        return
    inner = {**component, "type": component["type"].rpartition("[")[0]}
    if inner["type"] != "tuple":
        kept = tuple(_plain(inner, item) for item in value[:MOST_DIGESTS])
        yield Argument(name, Kind.LIST, kept, len(value) - len(kept))
        return
    yield Argument(f"{name}.length", Kind.NUMBER, len(value), max(0, len(value) - MOST_ITEMS))
    for number, item in enumerate(value[:MOST_ITEMS]):
        yield from _written({**inner, "name": f"{component['name']}[{number}]"}, item, above)


def _plain(component: Entry, value: Any) -> Any:
    kind = kind_of(component)
    if kind is Kind.ACCOUNT:
        return value if value != value.lower() else to_checksum_address(value)  # from events they come checksummed
    if kind is Kind.TEXT and isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if kind is Kind.WORD:
        return _word(component, value)
    return bytes(value) if isinstance(value, bytes) else value


def _word(component: Entry, value: Any) -> str:
    """An enum's value as people say it."""
    known = ENUMS[component["internalType"].rpartition(".")[2]]
    try:
        return known(value).name.replace("_", " ").lower()
    except ValueError:
        return str(int(value))
