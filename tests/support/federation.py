"""A FederationCoordinator on a real anvil, spoken to in the terms of the pure model: the same calls, values, events and
errors, with the timestamp of every block chosen. Addresses are in lower case throughout."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from enum import IntEnum
from typing import Any, NamedTuple, TypeVar

from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from fedprotocol.reference import Event
from fedprotocol.types import (
    Balances,
    Commitment,
    FederationConfig,
    PenaltyReason,
    Phase,
    Proposal,
    RoundView,
    Seat,
    Update,
    VoidReason,
)
from support.evm import Anvil, compiled

T = TypeVar("T")
ZERO_ADDRESS = "0x" + 40 * "0"
MAX_UINT = 2**256 - 1
ENUMS: dict[str, type[IntEnum]] = {"Phase": Phase, "VoidReason": VoidReason, "PenaltyReason": PenaltyReason}
STRUCTS: dict[str, Any] = {
    s.__name__: s for s in (Seat, RoundView, Commitment, Update, Proposal, Balances)
}  # by their Solidity names

CONFIG = FederationConfig(
    token="0x" + 40 * "1",
    rule="0x" + 40 * "2",
    gate=ZERO_ADDRESS,
    disputes="0x" + 40 * "3",
    sponsor="0x" + 40 * "4",
    spec_digest=keccak(b"spec"),
    genesis_root=keccak(b"genesis"),
    leaf_count=2,
    leaf_values=32,
    mantissa_bits=8,
    max_shift=23,
    server_lr=1 << 16,
    min_clients=2,
    max_clients=5,
    total_rounds=4,
    aggregator_bps=1_000,
    round_reward=1_004,
    min_stake=400,
    stake_per_example=2,
    penalty=100,
    bond_base=251,
    train_length=100,
    reveal_length=80,
    attest_length=60,
    challenge_length=50,
    min_window=20,
    abandon_after=300,
)
MASKED = replace(
    CONFIG,
    gate="0x" + 40 * "5",
    mantissa_bits=32,
    max_shift=0,
    min_clients=3,
    penalty=1_004,
    min_stake=4_016,
)
"""Of a federation in which only the sum of updates is seen."""


class Call(NamedTuple):
    """A transaction: the model's method name in snake_case (`commit`, `add_stake`) and its arguments."""

    sender: str
    name: str
    args: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A revert: the error's name and arguments."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Done:
    events: list[Event]
    gas: int


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda m: m[1].upper(), name)


class Abi:
    """Encoding and decoding by an ABI, into the model's types."""

    def __init__(self, entries: Sequence[dict[str, Any]]) -> None:
        self.functions = {e["name"]: e for e in entries if e["type"] == "function"}
        self.errors = {keccak(text=_signature(e))[:4]: e for e in entries if e["type"] == "error"}
        self.events = {keccak(text=_signature(e)): e for e in entries if e["type"] == "event"}

    @functools.cache  # noqa: B019 - one a session
    def _function(self, name: str) -> tuple[bytes, list[str], list[dict[str, Any]]]:
        entry = self.functions[name]
        return keccak(text=_signature(entry))[:4], _types(entry["inputs"]), entry["outputs"]

    def encode(self, name: str, args: Iterable[Any]) -> bytes:
        selector, types, _ = self._function(name)
        return selector + encode(types, tuple(args))

    @functools.lru_cache(100_000)  # noqa: B019 - one a session; most answers are as they were a block before
    def decode(self, name: str, data: bytes) -> Any:
        outputs = self._function(name)[2]
        values = tuple(map(_value, outputs, decode(_types(outputs), data)))
        return values[0] if len(values) == 1 else values

    def error(self, data: bytes) -> Refused:
        entry = self.errors.get(data[:4])
        if entry is None:
            return Refused("0x" + data[:4].hex(), (data[4:],))
        return Refused(entry["name"], tuple(map(_value, entry["inputs"], decode(_types(entry["inputs"]), data[4:]))))

    def event(self, log: dict[str, Any]) -> Event | None:
        topics = [bytes.fromhex(t[2:]) for t in log["topics"]]
        entry = self.events.get(topics[0])
        if entry is None:
            return None
        indexed = [i for i in entry["inputs"] if i["indexed"]]
        rest = [i for i in entry["inputs"] if not i["indexed"]]
        values = {i["name"]: _value(i, decode([i["type"]], t)[0]) for i, t in zip(indexed, topics[1:], strict=True)}
        data = decode(_types(rest), bytes.fromhex(log["data"][2:]))
        values |= {i["name"]: _value(i, v) for i, v in zip(rest, data, strict=True)}
        return Event(entry["name"], {snake(i["name"]): values[i["name"]] for i in entry["inputs"]})


def _signature(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(_types(entry['inputs']))})"


def _types(inputs: Sequence[dict[str, Any]]) -> list[str]:
    return [collapse_if_tuple(i) for i in inputs]  # type: ignore[arg-type]


def _value(component: dict[str, Any], value: Any) -> Any:
    """A decoded value as the model has it: enums, and the structs of `fedprotocol.types`."""
    if component["type"].endswith("[]"):
        inner = {**component, "type": component["type"][:-2]}
        return [_value(inner, v) for v in value]
    kind = component.get("internalType", "").rpartition(".")[2].removesuffix("[]")
    if kind in STRUCTS:
        given = {snake(c["name"]): _value(c, v) for c, v in zip(component["components"], value, strict=True)}
        return STRUCTS[kind](**{f.name: given[f.name] for f in fields(STRUCTS[kind])})
    return ENUMS[kind](value) if kind in ENUMS else value


class Deployed:
    """A coordinator with token and mocks around it; anvil's accounts are rich and have approved it.

    `config` may leave token, rule, disputes, gate and sponsor as in CONFIG or MASKED: they are filled in.
    """

    def __init__(self, chain: Anvil, config: FederationConfig = CONFIG, mock: str = "TokenMock") -> None:
        self.chain = chain
        self.accounts = [a.lower() for a in chain.accounts]
        self.token = chain.deploy(mock)
        self.disputes = chain.deploy("DisputesMock")
        self.reader = chain.deploy("BatchReader")
        mean = chain.deploy("MaskedMean", 8, 1 << 15) if config.is_masked else chain.deploy("FedAvg")
        filled = {
            "token": self.token.address.lower(),
            "rule": mean.address.lower(),
            "disputes": self.disputes.address.lower(),
            "sponsor": self.accounts[0],
        }
        self.config = replace(config, **{k: v for k, v in filled.items() if getattr(config, k) == getattr(CONFIG, k)})
        if config.gate == MASKED.gate:
            self.config = replace(self.config, gate=chain.deploy("GateMock").address.lower())
        self.contract = chain.deploy("FederationCoordinator", astuple(_checksummed(self.config)))
        self.address = self.contract.address.lower()
        self.views = chain.deploy("LensReader", self.contract.address).address
        self.chain_id = chain.web3.eth.chain_id
        self.abi = Abi(
            compiled("FederationCoordinator")["abi"] + compiled("FederationLens")["abi"] + compiled("TokenMock")["abi"]
        )
        self._give_tokens()

    def _give_tokens(self) -> None:
        sent = []
        for account in map(to_checksum_address, self.accounts):
            sender = {"from": account, "gas": 200_000}
            sent.append(self.token.functions.mint(account, 10**9).transact(sender))
            sent.append(self.token.functions.approve(self.contract.address, MAX_UINT).transact(sender))
        for hash_ in sent:
            self.chain.web3.eth.wait_for_transaction_receipt(hash_, poll_latency=0.01)

    # ------------------------------------------------------------ transactions

    def block(self, calls: Sequence[Call], at: int) -> list[Done | Refused]:
        """Mine these calls in one block with timestamp `at`, in this order."""
        rpc = self.chain.rpc
        rpc("evm_setAutomine", False)
        try:
            hashes = [rpc("eth_sendTransaction", self._transaction(c)) for c in calls]
            rpc("evm_setNextBlockTimestamp", at)
            rpc("evm_mine")
        finally:
            rpc("evm_setAutomine", True)
        receipts = [rpc("eth_getTransactionReceipt", h) for h in hashes]
        assert [int(r["transactionIndex"], 16) for r in receipts] == list(range(len(calls))), "not in the order sent"
        return [self._outcome(r) for r in receipts]

    def send(self, sender: str, name: str, *args: Any, at: int | None = None) -> Done | Refused:
        """One call in a block of its own, one second after the last one if `at` is not given."""
        return self.block([Call(sender, name, args)], self.now() + 1 if at is None else at)[0]

    def now(self) -> int:
        return self.chain.web3.eth.get_block("latest")["timestamp"]

    def _transaction(self, call: Call) -> dict[str, str]:
        data = self.abi.encode(camel(call.name), call.args)
        target = self.address
        if call.sender == self.config.disputes:  # a contract: told to by the account that gets the bounty
            if call.name == "impeach":
                data = keccak(text="impeach(address,uint256)")[:4] + encode(
                    ["address", "uint256"], [self.address, *call.args]
                )
                return _fields(self.accounts[0], self.disputes.address, data)
            round_number, root, challenger = call.args
            selector = keccak(text="convict(address,uint256,bytes32)")[:4]
            data = selector + encode(["address", "uint256", "bytes32"], [self.address, round_number, root])
            return _fields(challenger, self.disputes.address, data)
        return _fields(call.sender, target, data)

    def _outcome(self, receipt: dict[str, Any]) -> Done | Refused:
        if int(receipt["status"], 16) == 0:
            trace = self.chain.rpc("debug_traceTransaction", receipt["transactionHash"], {"tracer": "callTracer"})
            return self.abi.error(bytes.fromhex(trace.get("output", "0x")[2:]))
        own = [log for log in receipt["logs"] if log["address"].lower() == self.address]
        events = [e for e in map(self.abi.event, own) if e is not None]
        assert len(events) == len(own), "an event that the ABI does not know"
        return Done(events, int(receipt["gasUsed"], 16))

    # ------------------------------------------------------------------- views

    def read(
        self, queries: Sequence[tuple[str, tuple[Any, ...]]], at: int | None = None, block: str = "latest"
    ) -> list[Any]:
        """Views in the model's terms, all of one block (`balanceOf` is the token's); `at`: as if that block's
        timestamp were so."""
        calls = [self.abi.encode(camel(name), args) for name, args in queries]
        places = {"balanceOf": self.config.token, "config": self.address, "update": self.address}
        targets = [places.get(name, self.views) for name, _ in queries]
        selector = keccak(text="read(address[],bytes[])")[:4]
        data = "0x" + (selector + encode(["address[]", "bytes[]"], [targets, calls])).hex()
        overrides = [{}, {"time": hex(at)}] if at is not None else []
        answer = self.chain.rpc("eth_call", {"to": self.reader.address, "data": data}, block, *overrides)
        [results] = decode(["bytes[]"], bytes.fromhex(answer[2:]))
        return [self.abi.decode(camel(n), r) for (n, _), r in zip(queries, results, strict=True)]

    def view(self, name: str, *args: Any, at: int | None = None) -> Any:
        return self.read([(name, args)], at)[0]


def _fields(sender: str, to: str, data: bytes) -> dict[str, str]:
    return {"from": sender, "to": to, "data": "0x" + data.hex(), "gas": hex(16_000_000)}


def _checksummed(config: FederationConfig) -> FederationConfig:
    names = ("token", "rule", "gate", "disputes", "sponsor")
    return replace(config, **{name: to_checksum_address(getattr(config, name)) for name in names})
