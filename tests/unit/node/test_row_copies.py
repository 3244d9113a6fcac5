"""Rows of large files lie in a copy on the disk: the same rows, read once, and no memory for them."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fednode.data import Columns, DataError, load_data, table
from fednode.data.encoded_rows import Drawn
from fednode.data.row_copies import delete_all_but
from support.encoders import encoder_of
from support.tiny_model import TEMPLATE, colour_rows, tiny_tokenizer, write_jsonl

ROWS = 10_000


@pytest.fixture(autouse=True)
def little_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_HELD", 1 << 14)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "d.jsonl", colour_rows(ROWS))


def copies_in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def never_read(*_: Any, **__: Any) -> Any:
    raise AssertionError("the rows are read again")


def test_a_copy_holds_the_same_rows_for_its_owner_alone(path: Path, tmp_path: Path) -> None:
    held, copied = load_data(path), load_data(path, copies=tmp_path / "rows")
    assert len(copied) == ROWS
    assert [copied[n] for n in (0, 1, 4095, 4096, ROWS - 1)] == [held[n] for n in (0, 1, 4095, 4096, ROWS - 1)]
    for name in ("prompt", "completion", "domain"):
        assert copied[name][:] == held[name][:]
    [copy] = copies_in(tmp_path / "rows")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700


def test_what_is_drawn_of_a_copy_is_the_same_token_for_token(path: Path, tmp_path: Path) -> None:
    encoder, chosen = encoder_of(tiny_tokenizer(), TEMPLATE, 16), range(0, ROWS, 97)
    held, copied = Drawn(load_data(path), encoder), Drawn(load_data(path, copies=tmp_path / "rows"), encoder)
    assert [copied[n] for n in chosen] == [held[n] for n in chosen]
    assert copied.drawn == held.drawn


def test_rows_of_a_copy_take_no_memory(path: Path, tmp_path: Path) -> None:
    before = pa.total_allocated_bytes()
    copied = load_data(path, copies=tmp_path / "rows")
    assert pa.total_allocated_bytes() - before < 1 << 16
    held = load_data(path)
    assert pa.total_allocated_bytes() - before > 1 << 17
    assert len(held) == len(copied)


def test_a_file_is_read_once(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_data(path, copies=tmp_path / "rows")
    path.touch()
    monkeypatch.setattr(table, "rows_in", never_read)
    again = load_data(path, copies=tmp_path / "rows")
    assert again["prompt"][:] == first["prompt"][:]


def test_another_content_is_read_and_the_old_copy_is_deleted(path: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    old = load_data(path, copies=rows)
    [copy] = copies_in(rows)
    path.write_text(path.read_text().replace('" red"', '" pink"'))
    new = load_data(path, copies=rows)
    assert set(new["completion"][:]) - set(old["completion"][:]) == {" pink"}
    assert copies_in(rows) != [copy] and len(copies_in(rows)) == 1
    with pytest.raises(DataError, match="has neither"):
        load_data(path, Columns(prompt="text", completion="label"), rows)
    named = load_data(path, Columns(completion="domain"), rows)
    assert set(named["completion"][:]) == {"warm", "cold"}, "the same bytes, read in another way"


def test_little_is_held_in_memory_and_leaves_no_copy(path: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    load_data(path, copies=rows)
    few = write_jsonl(path, colour_rows(20))
    assert len(load_data(few, copies=rows)) == 20
    assert copies_in(rows) == []


def test_a_row_that_is_wrong_leaves_nothing_behind(path: Path, tmp_path: Path) -> None:
    with path.open("a") as file:
        file.write("{}\n")
    with pytest.raises(DataError, match=f"line {ROWS + 1}: has neither prompt and completion"):
        load_data(path, copies=tmp_path / "rows")
    assert copies_in(tmp_path / "rows") == []


def test_a_file_that_changes_while_it_is_read_is_refused(path: Path, tmp_path: Path) -> None:
    def grow(*_: int) -> None:
        with path.open("a") as file:
            file.write("\n")

    for copies in (tmp_path / "rows", None):
        with pytest.raises(DataError, match="changed while it was read; try again when it is whole"):
            load_data(path, copies=copies, progress=grow)
    assert copies_in(tmp_path / "rows") == []


def test_a_damaged_copy_says_what_to_do(path: Path, tmp_path: Path) -> None:
    load_data(path, copies=tmp_path / "rows")
    [copy] = copies_in(tmp_path / "rows")
    copy.write_bytes(b"not Arrow")
    with pytest.raises(DataError, match=f"{copy.name}: cannot be read: .*; delete it; it is made again"):
        load_data(path, copies=tmp_path / "rows")


def test_a_copy_that_cannot_be_written_says_what_to_do(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise pa.ArrowInvalid("a new kind of error")

    monkeypatch.setattr(pa.ipc, "new_stream", broken)
    with pytest.raises(DataError, match=r"\.arrow: cannot be written: a new kind of error; look at the disk of `home`"):
        load_data(path, copies=tmp_path / "rows")
    assert copies_in(tmp_path / "rows") == []


def test_copies_of_files_that_are_no_longer_named_are_deleted(path: Path, tmp_path: Path) -> None:
    rows, other = tmp_path / "rows", write_jsonl(tmp_path / "other.jsonl", colour_rows(ROWS, seed=1))
    for file in (path, other):
        load_data(file, copies=rows)
    assert len(copies_in(rows)) == 2
    other.unlink()
    delete_all_but(rows, [path])
    [copy] = copies_in(rows)
    load_data(path, copies=rows)
    assert copies_in(rows) == [copy]
    delete_all_but(tmp_path / "none", [path])
