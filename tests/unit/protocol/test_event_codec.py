"""The decoding of log entries, whose decoders are made once, against web3's, which makes them for each entry."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import event_abi_to_log_topic
from eth_utils.address import to_checksum_address
from fedprotocol.chain.abi import load, snake
from fedprotocol.chain.errors import ENUMS, ChainError
from fedprotocol.chain.read.event_codec import account_arguments
from fedprotocol.chain.read.events import Event, decode, headline
from fedprotocol.types import UnknownValue
from hexbytes import HexBytes
from web3 import Web3
from web3._utils.events import get_event_data
from web3.exceptions import Web3Exception
from web3.types import LogReceipt

EVENTS = [e for e in load("coordinator") if e["type"] == "event"]
CODEC = Web3().codec


def enum_of(abi: Any) -> Any:
    return ENUMS.get(abi["internalType"].rpartition(".")[2])


def value(abi: Any, dice: random.Random) -> Any:
    kind = abi["type"]
    if kind == "address":
        return to_checksum_address(dice.randbytes(20))
    if kind == "bytes32":
        return dice.randbytes(32)
    if kind == "bytes32[]":
        return [dice.randbytes(32) for _ in range(dice.choice([0, 1, 5]))]
    if enum_of(abi):
        return dice.choice(list(enum_of(abi))).value
    bits = int(kind.removeprefix("uint"))
    return dice.choice([0, 1, 2**bits - 1, dice.getrandbits(bits)])


def entry(abi: Any, values: Sequence[Any]) -> LogReceipt:
    pairs = list(zip(abi["inputs"], values, strict=True))
    topics = [encode([i["type"]], [v]) for i, v in pairs if i["indexed"]]
    plain = [(i["type"], v) for i, v in pairs if not i["indexed"]]
    found: Any = {
        "address": "0x" + 40 * "1",
        "topics": [HexBytes(t) for t in (event_abi_to_log_topic(abi), *topics)],
        "data": HexBytes(encode([kind for kind, _ in plain], [v for _, v in plain])),
        "blockNumber": 7,
        "blockHash": HexBytes(bytes(32)),
        "transactionHash": HexBytes(bytes(32)),
        "transactionIndex": 0,
        "logIndex": 3,
    }
    return found  # type: ignore[no-any-return]


def web3_decodes(abi: Any, log: LogReceipt) -> dict[str, Any]:
    given = get_event_data(CODEC, abi, log)["args"]
    values = {snake(i["name"]): given[i["name"]] for i in abi["inputs"]}
    kinds = {snake(i["name"]): enum_of(i) for i in abi["inputs"]}
    return {name: kinds[name](v) if kinds[name] else v for name, v in values.items()}


@pytest.mark.parametrize("abi", EVENTS, ids=lambda abi: abi["name"])
def test_both_find_the_same(abi: Any) -> None:
    dice = random.Random(abi["name"])
    for _ in range(30):
        values = [value(i, dice) for i in abi["inputs"]]
        log = entry(abi, values)
        event = decode(log, 12)
        assert event.args == web3_decodes(abi, log)
        assert list(event.args) == [snake(i["name"]) for i in abi["inputs"]], "in the order of the declaration"
        assert [type(v) for v in event.args.values()] == [type(v) for v in web3_decodes(abi, log).values()]
        assert event == Event(abi["name"], event.args, 7, bytes(32), bytes(32), 3, 12)
        assert headline(log) == (abi["name"], event.args.get("round"))


@pytest.mark.parametrize("abi", EVENTS, ids=lambda abi: abi["name"])
def test_both_refuse_the_same(abi: Any) -> None:
    """One byte of topics or data is another one, or something is missing."""
    dice = random.Random(abi["name"])
    refused = 0
    for _ in range(120):
        log: Any = entry(abi, [value(i, dice) for i in abi["inputs"]])
        topics, data = list(log["topics"]), bytearray(log["data"])
        match dice.randrange(4):
            case 0 if len(topics) > 1:
                topic = bytearray(topics[-1])
                topic[dice.randrange(32)] ^= 1 << dice.randrange(8)
                topics[-1] = HexBytes(bytes(topic))
            case 1:
                topics = dice.choice([topics[:-1], [*topics, topics[0]]])
            case 2 if data:
                data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            case _:
                data = data[: dice.randrange(len(data) + 1)]
        damaged: Any = log | {"topics": topics, "data": HexBytes(bytes(data))}
        try:
            expected = web3_decodes(abi, damaged)
        except (Web3Exception, DecodingError, UnknownValue, IndexError, OverflowError):
            refused += 1
            with pytest.raises((ChainError, UnknownValue)):
                decode(damaged, 12)
        else:
            assert decode(damaged, 12).args == expected
    assert refused > 10, f"{refused} of 120 were refused: the test says nothing"


def test_a_topic_of_another_length_is_refused() -> None:
    [abi] = [e for e in EVENTS if e["name"] == "Attested"]
    log: Any = entry(abi, [1, to_checksum_address(bytes(20)), 3])
    log["topics"] = [log["topics"][0], HexBytes(log["topics"][1] + bytes(1)), HexBytes(log["topics"][2][1:])]
    with pytest.raises(ChainError, match="does not decode as Attested"):
        decode(log, 0)


def test_every_account_is_an_indexed_argument() -> None:
    """Nothing else would be found by account."""
    for abi in EVENTS:
        accounts = {snake(i["name"]) for i in abi["inputs"] if i["type"] == "address"}
        assert set(account_arguments(abi["name"])) == accounts
