"""Who committed in a round and with which key, as an account's own signature says it, not as a server does.

An endpoint can say anything about the contract's state. It cannot sign for an account: so the transaction that made a
commit is requested, written out again as it was signed, and its sender recovered here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_account import Account
from hexbytes import HexBytes
from web3.types import BlockIdentifier

from fedprotocol.chain.errors import ChainError, translated
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.events import Event

_TIP = ("maxPriorityFeePerGas", "maxFeePerGas")
PRICES: Mapping[int, tuple[str, ...]] = {1: ("gasPrice",), 2: _TIP, 3: _TIP, 4: _TIP}
"""Type of a transaction (EIP-2930, EIP-1559, EIP-4844, EIP-7702) -> what it offers for gas, in the order in which it is
signed."""
AUTHORISED = ("chainId", "address", "nonce", "yParity", "r", "s")
"""What an EIP-7702 transaction says of each account whose code it sets, in the order in which it is signed."""


ANY_CHAIN = 0
"""The chain of a signature from before EIP-155."""


class NotSigned(ChainError):
    """The transaction behind a commit does not show that its account made it."""


class CommitsHidden(ChainError):
    """The log and the contract's state, as the endpoint shows them, do not agree on who committed."""


@dataclass(frozen=True)
class StandingCommits:
    """The commits of a round on its prior: for each account its 32 bytes. `unproved`: of the accounts that had to
    prove theirs, those that did not, and why."""

    hashes: Mapping[str, bytes]
    unproved: Mapping[str, str]


def standing_commits(
    coordinator: Coordinator,
    events: EventIndex,
    number: int,
    prior_root: bytes,
    prove: Collection[str],
    block: int | None = None,
) -> StandingCommits:
    """The commits of round `number` on `prior_root` that stood at `block` (None: the newest), when the round took no
    more of them.

    The commits of the accounts in `prove` are read from their own transactions; those of others from the contract's
    state alone.

    Raises CommitsHidden, and the errors of the index and of the coordinator's reads.
    """
    at: BlockIdentifier = "pending" if block is None else block
    events.sync()
    newest: dict[str, Event] = {}
    for event in events.events(("Committed",), number, block):
        newest[event.args["client"]] = event
    standing = {}
    for account in newest:
        commitment = coordinator.commitment(number, account, at)
        if commitment.prior_root == prior_root:
            standing[account] = commitment.hash
    matching = coordinator.round_view(number, at).matching
    if len(standing) != matching:
        raise CommitsHidden(
            f"round {number} has {matching} commits, and the chain's node shows {len(standing)} of them in its log: "
            "name another node first in [chain] rpc"
        )
    unproved = {}
    for account in set(prove) & standing.keys():
        try:
            signed = signed_commit(coordinator, newest[account])
        except NotSigned as error:
            unproved[account] = str(error)
        else:
            if signed != (number, prior_root, standing[account]):
                unproved[account] = "what its account signed is not what the chain's node says it committed"
    return StandingCommits(standing, unproved)


def signed_commit(coordinator: Coordinator, event: Event) -> tuple[int, bytes, bytes]:
    """Round, prior root and hash that the account of a `Committed` event signed. Raises NotSigned, ChainError."""
    with translated("eth_getTransactionByHash"):
        tx: Mapping[str, Any] = coordinator.web3.eth.get_transaction(HexBytes(event.tx_hash))
    client = event.args["client"]
    try:
        raw = as_signed(tx)
        signer = Account.recover_transaction(raw)
        chain_id = _chain_id(tx)
    except ChainError:
        raise
    except Exception as error:  # any exception of the decoders: what the server sent is no signed transaction
        raise NotSigned(f"the transaction of {client} cannot be read as a signed one: {error}") from error
    if signer != client:
        raise NotSigned(f"the transaction behind the commit of {client} is signed by {signer}")
    if chain_id not in (ANY_CHAIN, coordinator.chain_id) or tx["to"] != coordinator.address:
        raise NotSigned(f"the transaction of {client} was signed for another chain or contract")
    try:
        function, values = coordinator.contract.decode_function_input(tx["input"])
    except Exception as error:
        raise NotSigned(f"the transaction of {client} calls nothing of the coordinator: {error}") from error
    if function.fn_name != "commit":
        raise NotSigned(f"the transaction of {client} calls {function.fn_name}, not commit")
    return int(values["round"]), bytes(values["priorRoot"]), bytes(values["hash"])


def as_signed(tx: Mapping[str, Any]) -> HexBytes:
    """The bytes of a transaction as its sender signed them, from its fields as a node shows them: every type that
    Ethereum has. A member could otherwise choose one that proves nothing, and the others would refuse the round.

    Raises NotSigned for another type; any exception of the encoders passes.
    """
    kind = int(tx.get("type", 0))
    rest = [tx["gas"], HexBytes(tx["to"]), tx["value"], HexBytes(tx["input"])]
    signature = [_number(tx["r"]), _number(tx["s"])]
    if kind == 0:
        return HexBytes(rlp.encode([tx["nonce"], tx["gasPrice"], *rest, int(tx["v"]), *signature]))
    if kind not in PRICES:
        raise NotSigned(f"it is a transaction of type {kind}, which this version cannot check")
    access = [[HexBytes(one["address"]), [HexBytes(key) for key in one["storageKeys"]]] for one in tx["accessList"]]
    prices = [tx[name] for name in PRICES[kind]]
    signed = [tx["chainId"], tx["nonce"], *prices, *rest, access, *_after_access(kind, tx)]
    return HexBytes(bytes([kind]) + rlp.encode([*signed, int(tx.get("yParity", tx["v"])), *signature]))


def _after_access(kind: int, tx: Mapping[str, Any]) -> list[Any]:
    """What is signed after the access list: of blobs (EIP-4844), of accounts that get code (EIP-7702)."""
    if kind == 3:
        return [_number(tx["maxFeePerBlobGas"]), [HexBytes(one) for one in tx["blobVersionedHashes"]]]
    if kind == 4:
        given = [{**one, "address": HexBytes(one["address"])} for one in tx["authorizationList"]]
        return [[[one[name] if name == "address" else _number(one[name]) for name in AUTHORISED] for one in given]]
    return []


def _chain_id(tx: Mapping[str, Any]) -> int:
    """The chain that the signature is for, or ANY_CHAIN."""
    if int(tx.get("type", 0)):
        return int(tx["chainId"])
    return max(ANY_CHAIN, (int(tx["v"]) - 35) // 2)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else int.from_bytes(HexBytes(value))
