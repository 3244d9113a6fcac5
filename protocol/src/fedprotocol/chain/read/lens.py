"""Questions to a coordinator for which its own bytecode has no room (`contracts/lens/`). Each is one plain `eth_call`.

The call creates LensQuery, which has the coordinator run the lens on its own storage and reverts with the answer: no
contract has to be deployed, and the node needs to serve only the standard calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple, function_abi_to_4byte_selector
from web3 import Web3
from web3.types import BlockIdentifier, RPCEndpoint

from fedprotocol.address import checksummed
from fedprotocol.chain.abi import Entry, entry, load
from fedprotocol.chain.endpoint.reverts import revert_data, speaks_of_a_revert
from fedprotocol.chain.errors import NotACoordinator, RpcRefused, decode_revert, translated
from fedprotocol.printable import LONGEST_TEXT, printable

SELECTOR_BYTES = 4


def ask(web3: Web3, coordinator: str, name: str, arguments: Sequence[Any], block: BlockIdentifier) -> Any:
    """The lens function `name` on the coordinator's storage, at `block`. A single output is returned without a tuple
    around it.

    Raises:
        NotACoordinator: the contract at that address has no `inspect`, or answers something else.
        ContractReverted: the lens refuses the question, for example because it is about an update that does not exist.
        RpcRefused, ChainUnreachable: see `translated`; also RpcRefused if the node does not show what a call reverted
        with.
    """
    function = entry("lens", "function", name)
    kinds = [collapse_if_tuple(dict(output)) for output in function["outputs"]]
    answered, data = _inspected(name, _call(web3, coordinator, function, arguments, block))
    if not answered:
        raise decode_revert(data, "execution reverted", name)
    try:
        decoded = web3.codec.decode(kinds, data)
        values = [_with_checksums(*both) for both in zip(function["outputs"], decoded, strict=True)]
    except (DecodingError, ValueError, OverflowError) as error:
        raise _stranger(name) from error
    return values[0] if len(values) == 1 else values


def _with_checksums(component: Entry, value: Any) -> Any:
    """A decoded value in which addresses have their checksum. web3's way to do this takes a hundred times as long: too
    long for a snapshot of many clients each second."""
    kind = component["type"]
    if kind.endswith("]"):
        inner = {**component, "type": kind[: kind.rindex("[")]}
        return tuple(_with_checksums(inner, item) for item in value)
    if kind == "tuple":
        return tuple(map(_with_checksums, component["components"], value))
    return checksummed(value) if kind == "address" else value


def _call(web3: Web3, coordinator: str, function: Any, arguments: Sequence[Any], block: BlockIdentifier) -> Any:
    """The node's answer to the call that creates the contract, unchanged."""
    kinds = [collapse_if_tuple(given) for given in function["inputs"]]
    question = function_abi_to_4byte_selector(function) + encode(kinds, arguments)
    data = load("lens_query") + encode(("address", "bytes"), (coordinator, question)).hex()
    where = hex(block) if isinstance(block, int) else block
    with translated(function["name"]):
        return web3.provider.make_request(RPCEndpoint("eth_call"), [{"data": data}, where])


def _inspected(name: str, answer: Any) -> tuple[bool, bytes]:
    """Whether the lens answered, and its answer."""
    error = answer.get("error")
    data = revert_data(error)
    if data is None:
        message = printable(str(error["message"]), LONGEST_TEXT) if error else "no error, where the call must revert"
        is_lacking = error is None or speaks_of_a_revert(error)
        what = "; eth_call must tell what a contract's creation reverts with: use another node" if is_lacking else ""
        raise RpcRefused(f"{name}: the node refused: {message}{what}", message)
    if not data.startswith(_selector()):
        raise _stranger(name)
    try:
        answered, inner = decode(("bool", "bytes"), data[SELECTOR_BYTES:])
    except (DecodingError, OverflowError) as problem:
        raise _stranger(name) from problem
    return answered, inner


def _stranger(name: str) -> NotACoordinator:
    return NotACoordinator(f"{name} answered something else than expected: is this the right contract address?")


@cache
def _selector() -> bytes:
    return bytes(function_abi_to_4byte_selector(entry("coordinator", "error", "Inspected")))  # type: ignore[arg-type]
