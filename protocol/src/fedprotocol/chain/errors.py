"""What can go wrong between a program and the chain, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import function_abi_to_4byte_selector
from requests.exceptions import RequestException
from web3.exceptions import BadFunctionCallOutput, ContractLogicError, Web3Exception, Web3RPCError

from fedprotocol.chain.abi import Entry, load, named
from fedprotocol.errors import FedError
from fedprotocol.printable import LONGEST_TEXT, printable
from fedprotocol.quantities import decimal
from fedprotocol.types import PenaltyReason, Phase, VoidReason
from fedprotocol.urls import describe_status

MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)
"""What web3 and eth_abi raise if an answer does not have the form of the standard."""

INPUTS_CHANGED = frozenset({"WrongInputs", "WrongAccepted"})
"""What proposing reverts with when the round's inputs changed since they were read: nothing is lost."""

ENUMS = {"Phase": Phase, "VoidReason": VoidReason, "PenaltyReason": PenaltyReason}


class ChainError(FedError):
    """The base of all errors in this module."""


class ChainUnreachable(ChainError):
    """No RPC endpoint answered."""


class WrongChain(ChainError):
    """An RPC endpoint serves another chain than the one configured."""

    needs_person = True


class NoContract(ChainError):
    """There is no code at the coordinator's address."""


class NotACoordinator(ChainError):
    """The contract at the address does not answer like a FederationCoordinator."""


class RpcRefused(ChainError):
    """The node answered a request with an error that is not a revert; `node_message` is the node's own.

    Both are shown as text, and not longer than people read.
    """

    def __init__(self, message: str, node_message: str = "") -> None:
        self.node_message = printable(node_message, LONGEST_TEXT)
        super().__init__(printable(message, 2 * LONGEST_TEXT))


class OutOfFunds(ChainError):
    """The account cannot pay for a transaction. Attributes: address, needed and available (wei)."""

    def __init__(self, address: str, needed: int, available: int) -> None:
        self.address, self.needed, self.available = address, needed, available
        super().__init__(
            f"{address} has {ether(available)} ETH and needs up to {ether(needed, up=True)} ETH for this transaction: "
            f"send it at least {ether(needed - available, up=True)} ETH"
        )


class FeesTooHigh(ChainError):
    """The network's base fee is above the bound of the fee policy."""


class NotMined(ChainError):
    """A transaction was broadcast and not mined in time. It stays in the outbox; `Sender.resume` follows it up."""


class TooLate(ChainError):
    """A transaction was not in a block before its deadline and was called back."""


class SignerError(ChainError):
    """The signer did not answer, did not sign, or signed something else. Nothing was sent."""


class ContractReverted(ChainError):
    """A call that the contract refuses. `name` is the name of the Solidity error, and `args` has its arguments by
    snake_case name.

    `name` is "Error" for a revert with a text (`args["message"]`), "Panic" for a failed check of the compiler
    (`args["message"]`) and "Unknown" for anything else (`args["data"]`).
    """

    def __init__(self, name: str, arguments: dict[str, Any], label: str = "") -> None:
        self.name, self.arguments = name, arguments
        super().__init__((f"{label}: " if label else "") + printable(sentence(name, arguments), LONGEST_TEXT))


_SENTENCES = {
    "BadConfig": "the coordinator cannot be deployed with this {field}: out of bounds, or more than the rule allows",
    "WrongPhase": "round {round} is in {actual}, and this belongs to {expected}: too early or too late",
    "NotActive": "{account} is not active in round {round}: join, or add stake after a suspension",
    "AlreadySeated": "{account} has a seat already",
    "NotSeated": "{account} has no seat: join first",
    "NotDroppable": "{client} keeps its seat: the gate admits it, and it has not missed the last two final rounds",
    "NotSponsor": "{caller} is not the federation's sponsor",
    "WithdrawFirst": "{account} left before and its old stake is still in the contract: withdraw it, then join",
    "StakeTooLow": "the stake is below the least that the federation asks for: lock more",
    "FederationFull": "all {max_clients} seats are taken: wait until somebody leaves",
    "NotAllowed": "the membership gate does not admit {account}: ask the federation's sponsor",
    "FederationClosed": "the sponsor closed the federation: no further rounds open",
    "FederationComplete": "the federation has all the rounds it was made for",
    "TooFewActive": "{active} active clients, {needed} are needed to open a round: wait for others to join",
    "PoolTooLow": "the pool holds less than a round's reward: fund it",
    "RoundNotOpenable": "round {round} cannot open: it is not the next one, or the one before is still taking inputs",
    "WrongPrior": "the commit builds on {given}, the prior global of this round is {expected}: train on that",
    "NoCommit": "{account} has no commitment in round {round}: nothing to reveal",
    "CommitMismatch": "the revealed values hash to {given}, committed was {committed}: one of them differs",
    "AlreadyRevealed": "{account} has revealed in round {round} already",
    "ZeroWeight": "the update's weight would be zero: it needs at least one example and stake for it",
    "NotRevealed": "{account} revealed no update in round {round}: only revealers attest",
    "AlreadyAttested": "{account} has attested in round {round} already",
    "WrongInputs": "the inputs' hash {given} is not the round's, {expected}: read the round again",
    "WrongAccepted": "the accepted updates {given} (a bit each) are not the round's, {expected}: read the round again",
    "TooLittleGas": "the call has too little gas to ask the membership gate: give it more",
    "AlreadyProposed": "{proposer} has a complete proposal in round {round} already",
    "WrongPage": "page {page} does not come next, {expected} does",
    "DuplicateRoot": "the root {root} is proposed in this round already: nothing left to propose",
    "StillPending": "round {round}, in which {account} committed, is not settled yet: try again after it",
    "NotExited": "{account} still has its seat: exit first",
    "NothingOwed": "nothing is owed to {account}",
    "ERC20InsufficientAllowance": "the token does not let {spender} take as much as it needs: approve more",
    "ERC20InsufficientBalance": "{sender} has too few tokens: send it more",
    "TransferMismatch": "the token moved less than it was told to: it takes a fee of every transfer, and no federation "
    "can use such a token",
    "Error": "{message}",
    "Panic": "the contract's own check failed: {message}",
    "Unknown": "the contract reverted with {data}, which no known error explains",
}


def sentence(name: str, arguments: dict[str, Any]) -> str:
    """A revert in words. If there is no text for it, it is written as in Solidity."""
    shown = {key: show(value) for key, value in arguments.items()}
    if name in _SENTENCES:
        return f"{_SENTENCES[name].format(**shown)} [{name}]"
    return f"the contract refuses: {name}({', '.join(f'{k}={v}' for k, v in shown.items())})"


def show(value: Any) -> str:
    """A decoded ABI value for people to read: bytes as 0x-hex, an enum by its name."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Phase | VoidReason | PenaltyReason):
        return value.name.replace("_", " ").capitalize()
    return str(value)


def ether(wei: int, up: bool = False) -> str:
    """In ETH. `up`: what is asked for, which must be enough; otherwise rounded down, see `decimal`."""
    return decimal(wei, 18, up)


def enums(components: list[Entry], values: dict[str, Any]) -> dict[str, Any]:
    """`values`, in which numbers become enums wherever the ABI says that they are one of the coordinator's enums."""
    kinds = [ENUMS.get(c.get("internalType", "").rpartition(".")[2]) for c in components]
    return {key: kind(v) if kind else v for (key, v), kind in zip(values.items(), kinds, strict=True)}


@cache
def _selectors() -> dict[bytes, Entry]:
    entries = [e for name in ("coordinator", "disputes", "rule", "errors") for e in load(name) if e["type"] == "error"]
    return {function_abi_to_4byte_selector(e): e for e in entries}


def decode_revert(data: Any, message: str, label: str = "") -> ContractReverted:
    """The revert behind raw return data (bytes or 0x-hex; anything else that a node puts there is shown unchanged)."""
    try:
        raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else bytes(data or b"")
    except (ValueError, TypeError):
        raw = b""
    known = _selectors().get(raw[:4])
    if known is None:
        if raw[:4] == bytes.fromhex("08c379a0") or not raw:
            return ContractReverted("Error", {"message": message}, label)
        if raw[:4] == bytes.fromhex("4e487b71"):
            return ContractReverted("Panic", {"message": message}, label)
        return ContractReverted("Unknown", {"data": "0x" + raw.hex()}, label)
    try:
        values = decode([c["type"] for c in known["inputs"]], raw[4:])
        arguments = enums(known["inputs"], named(known["inputs"], values))
    except (DecodingError, ValueError, OverflowError):  # OverflowError: a length that no memory holds
        return ContractReverted("Unknown", {"data": "0x" + raw.hex()}, label)
    return ContractReverted(known["name"], arguments, label)


@contextmanager
def translated(label: str = "") -> Iterator[None]:
    """Use it around one read of a node. It does what `told` does, and also blames the node for what web3 and eth_abi
    raise if an answer does not have the form of the standard. Put none of our own code inside: its mistakes would be
    taken for the node's."""
    try:
        with told(label):
            yield
    except UnicodeDecodeError as error:
        raise NotACoordinator(f"{label or 'the contract'} answered what is no UTF-8 text") from error
    except MALFORMED as error:
        node_message = f"its answer makes no sense ({type(error).__name__})"
        raise RpcRefused(f"{label + ': ' if label else ''}the RPC endpoint: {node_message}", node_message) from error


@contextmanager
def told(label: str = "") -> Iterator[None]:
    """Turns web3's and requests' own exceptions into those of this module; all others pass unchanged."""
    try:
        yield
    except FedError:
        raise
    except ContractLogicError as error:
        raise decode_revert(error.data, error.message or "execution reverted", label) from error
    except BadFunctionCallOutput as error:
        raise NotACoordinator(
            f"{label or 'the contract'} answered something else than expected: is this the right contract address?"
        ) from error
    except RequestException as error:
        answer = error.response
        why = type(error).__name__ if answer is None else describe_status(answer.status_code)
        raise ChainUnreachable(f"no answer from the RPC endpoint ({why}): check [chain] rpc") from error
    except Web3RPCError as error:
        node_message = _node_message(error)
        raise RpcRefused(f"{label + ': ' if label else ''}the node refused: {node_message}", node_message) from error
    except Web3Exception as error:
        raise RpcRefused(f"{label + ': ' if label else ''}{error}") from error


def _node_message(error: Web3RPCError) -> str:
    """The node's own message, without the request around them."""
    response = error.rpc_response or {}
    problem = response.get("error")
    node_message = problem["message"] if isinstance(problem, dict) and "message" in problem else error.message
    return printable(str(node_message), LONGEST_TEXT)
