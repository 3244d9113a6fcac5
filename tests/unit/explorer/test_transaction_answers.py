"""What nodes say about transactions and blocks, with and without what is optional, and how it is kept."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from fedexplorer.transactions import answers, table
from fedexplorer.transactions.calls import Way, decoded, said
from fedexplorer.transactions.contracts import Contracts
from fedexplorer.transactions.gas import gas_by_call
from fedexplorer.transactions.records import LogEntry, Receipt, Transaction
from fedexplorer.transactions.table import Table, TransactionsError

ANN = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
CONTRACTS = Contracts("0x" + 40 * "1", "0x" + 40 * "2", "0x" + 40 * "3")
TX, BLOCK, OTHER = (bytes([n]) * 32 for n in (1, 2, 3))
TOLD: dict[str, Any] = {"hash": "0x" + TX.hex(), "from": ANN.lower(), "to": CONTRACTS.token, "input": "0x1234"}
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def log(address: str, size: int = 32) -> dict[str, Any]:
    party = "0x" + 12 * "00" + ANN[2:].lower()
    return {"address": address, "topics": [TRANSFER, party, party], "data": "0x" + "00" * (size - 1) + "05"}


def mined(block_hash: bytes = BLOCK, gas: int | None = 50_000, price: int | None = 7, data: bytes = b"") -> Transaction:
    receipt = Receipt(True, gas, price, 0, None, (), 0)
    return Transaction(TX, ANN, CONTRACTS.coordinator, 0, 4, 90_000, data, 5, block_hash, 0, receipt)


def test_the_least_that_a_node_says() -> None:
    one = answers.transaction(TOLD)
    assert (one.sender, one.to, one.value, one.nonce, one.receipt) == (ANN, CONTRACTS.token, 0, None, None)
    receipt = answers.receipt({}, None, CONTRACTS)
    assert receipt == Receipt(None, None, None, 0, None, (), 0) and receipt.cost is None


def test_what_rollups_add() -> None:
    receipt = answers.receipt(
        {"gasUsed": "0x64", "effectiveGasPrice": "0x5", "l1Fee": "0x10", "status": "0x0", "l1GasPrice": "0x1"},
        None,
        CONTRACTS,
    )
    assert (receipt.cost, receipt.succeeded) == (516, False)
    assert answers.receipt({"gasUsed": "0x64"}, "0x2", CONTRACTS).cost == 200  # the transaction names the price


def test_logs_of_other_contracts_are_kept_and_the_coordinators_are_not() -> None:
    given = [log(CONTRACTS.coordinator), log(CONTRACTS.token), log("0x" + 40 * "9"), log(CONTRACTS.token, 10_000)]
    receipt = answers.receipt({"logs": given}, None, CONTRACTS)
    assert [entry.address for entry in receipt.logs] == [CONTRACTS.token] and receipt.left_out == 1
    shown = said(CONTRACTS, receipt.logs[0])
    assert (shown.contract, shown.name) == ("token", "Transfer")
    assert [(a.name, a.value) for a in shown.arguments] == [("from", ANN), ("to", ANN), ("value", 5)]


@pytest.mark.parametrize("wrong", [{}, {"hash": 5, "from": ANN}, {**TOLD, "from": "0x12"}, {**TOLD, "value": "x"}])
def test_nonsense_is_one_of_the_known_errors(wrong: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        answers.transaction(wrong)


def test_a_block() -> None:
    fields = {"number": "0x5", "hash": "0x" + BLOCK.hex(), "parentHash": "0x" + OTHER.hex(), "timestamp": "0x10"}
    bare = answers.header({**fields, "transactions": ["0x" + TX.hex()]}, CONTRACTS)
    assert (bare.number, bare.transactions, bare.lines, bare.base_fee) == (5, 1, None, None)
    whole = answers.header({**fields, "transactions": [{"type": "0x7e"}, TOLD]}, CONTRACTS)
    assert whole.lines is not None and whole.transactions == 2
    assert [(line.hash, line.position, line.selector) for line in whole.lines] == [(TX, 1, b"\x12\x34")]
    assert answers.header({**fields, "transactions": [TOLD] * (answers.MOST_LINES + 1)}, CONTRACTS).lines is None


@pytest.mark.parametrize(
    ("to", "data", "way", "contract"),
    [
        (None, b"code", Way.CREATION, None),
        (ANN, b"", Way.PAYMENT, None),
        (ANN, b"1234", Way.OTHER, None),
        (CONTRACTS.token, b"1234", Way.CALL, "token"),
        (CONTRACTS.coordinator, b"", Way.CALL, "coordinator"),
        (CONTRACTS.coordinator, bytes.fromhex("a694fc3a") + b"short", Way.CALL, "coordinator"),
    ],
)
def test_what_is_no_call_of_the_abi(to: str | None, data: bytes, way: Way, contract: str | None) -> None:
    call = decoded(CONTRACTS, to, data)
    assert (call.way, call.contract, call.name, call.arguments, call.round) == (way, contract, None, (), None)


@pytest.mark.parametrize("entry", [LogEntry(CONTRACTS.token, (), b"", 0), LogEntry(CONTRACTS.token, (TX,), b"", None)])
def test_a_log_that_does_not_decode_stays_raw(entry: LogEntry) -> None:
    assert said(CONTRACTS, entry).name is None


def test_the_gas_of_calls_without_price() -> None:
    [known] = gas_by_call(CONTRACTS, [mined(), mined(gas=30_000), mined(gas=None)], {})
    assert (known.count, known.least, known.mean, known.most, known.total) == (2, 30_000, 40_000, 50_000, 80_000)
    assert known.cost == 80_000 * 7
    assert gas_by_call(CONTRACTS, [mined(), mined(price=None)], {})[0].cost is None


def test_a_transaction_is_kept_by_its_block(tmp_path: Path) -> None:
    """After a re-org the same transaction may end in another way."""
    path = tmp_path / "transactions.sqlite"
    first, second = mined(data=b"\x00\xff"), mined(OTHER, gas=99)
    kept = Table(path)
    kept.keep(first)
    kept.keep(second)
    kept.close()
    again = Table(path)
    assert again.transactions([(TX, BLOCK), (TX, OTHER), (BLOCK, TX)]) == {(TX, BLOCK): first, (TX, OTHER): second}
    again.close()


def test_what_is_in_no_block_is_not_kept() -> None:
    with pytest.raises(ValueError, match="in no block"):
        Table(None).keep(answers.transaction(TOLD))


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_KEPT", 10)
    monkeypatch.setattr(table, "_SLACK", 5)
    kept = Table(None)
    for number in range(20):
        kept.keep(mined(bytes([number]) * 32))
    found = kept.transactions([(TX, bytes([number]) * 32) for number in range(20)])
    assert sorted(block[0] for _, block in found) == list(range(10, 20))


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read as one" * 100, b""])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "transactions.sqlite"
    path.write_bytes(content)
    kept = Table(path)
    assert kept.transactions([(TX, BLOCK)]) == {}
    kept.keep(mined())
    assert kept.transactions([(TX, BLOCK)])


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "transactions.sqlite").mkdir()
    with pytest.raises(TransactionsError, match=r"transactions\.sqlite cannot be used"):
        Table(tmp_path / "transactions.sqlite").keep(mined())


def test_a_file_of_another_version_is_begun_anew_and_a_record_too(tmp_path: Path) -> None:
    path = tmp_path / "transactions.sqlite"

    def changed_by(statement: str) -> Table:
        kept = Table(path)
        kept.keep(mined())
        kept.close()
        with sqlite3.connect(path) as db:
            db.execute(statement)
        db.close()
        return Table(path)

    for statement in ("""UPDATE records SET record = '{"hash": 5}'""", "PRAGMA user_version = 7"):
        again = changed_by(statement)
        assert again.transactions([(TX, BLOCK)]) == {}
        again.keep(mined())
        assert again.transactions([(TX, BLOCK)])
        again.close()


def test_a_closed_file_stays_closed(tmp_path: Path) -> None:
    """A thread may still be fetching when the explorer ends."""
    kept = Table(tmp_path / "transactions.sqlite")
    kept.close()
    kept.keep(mined())
    assert list(tmp_path.iterdir()) == []
