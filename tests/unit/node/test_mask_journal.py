"""What a site remembers of masked rounds: nothing before its time, one transcript for a round, and no secret after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fednode.masking.site_journal import AnotherSet, FixedSet, Key, MaskJournal, TrainedAtHome
from fedprotocol.journal import Journal, JournalError

PRIOR, PUBLIC, SECRET = (bytes([number]) * 32 for number in (1, 2, 0xA7))
KEY = Key(PRIOR, PUBLIC, SECRET)
SET = FixedSet(PRIOR, bytes([4]) * 32, {"0x" + "aa" * 20: PUBLIC, "0x" + "bb" * 20: bytes([5]) * 32})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path) as journal:
        yield journal


def trained(path: Path) -> TrainedAtHome:
    file = path.parent / "updates/round_1.npy"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"what training gave")
    return TrainedAtHome(PRIOR, 64, file)


def test_everything_is_there_after_a_restart(path: Path) -> None:
    with Journal(path) as first:
        known = MaskJournal(first)
        assert (known.keys(1), known.trained(1), known.fixed(1), known.unerased()) == ([], None, None, [])
        later = Key(PRIOR, bytes([8]) * 32, bytes([9]) * 32)
        known.note_key(1, KEY)
        known.note_key(1, later)
        known.note_trained(1, trained(path))
        known.fix(1, SET)
        assert not known.published(1)
        known.note_published(1)
        assert not known.served(1)
        known.note_served(1)
    with Journal(path) as again:
        known = MaskJournal(again)
        assert known.keys(1) == [later, KEY], "the newest first"
        assert known.trained(1) == trained(path) and known.fixed(1) == SET
        assert known.published(1) and known.served(1) and known.unerased() == [1]
        assert not known.published(2) and known.fixed(2) is None


def test_a_round_has_one_transcript_for_ever(journal: Journal) -> None:
    known = MaskJournal(journal)
    known.fix(1, SET)
    known.fix(1, SET)
    with pytest.raises(AnotherSet, match="round 1 has other members or keys"):
        known.fix(1, FixedSet(PRIOR, bytes([6]) * 32, SET.members))
    assert known.fixed(1) == SET
    known.erase(1)
    with pytest.raises(AnotherSet):
        known.fix(1, FixedSet(PRIOR, bytes([6]) * 32, SET.members))


def test_what_is_erased_is_nowhere_on_the_disk(path: Path, journal: Journal) -> None:
    known, kept = MaskJournal(journal), trained(path)
    for number in range(1, 40):  # so that rows move and pages are split
        known.note_key(number, KEY)
        known.note_trained(number, kept)
        journal.note(f"other.{number}", "x" * 300)
    assert SECRET.hex() in on_disk(path), "else this test would show nothing"
    for number in range(1, 40):
        known.erase(number)
    assert SECRET.hex() not in on_disk(path)
    assert not kept.file.exists() and known.trained(1) is None and known.unerased() == []
    assert known.keys(1) == [Key(PRIOR, PUBLIC, b"")], "what was committed stays known"


def test_while_somebody_reads_the_journal_it_is_not_erased_and_is_tried_again(path: Path, journal: Journal) -> None:
    known = MaskJournal(journal)
    known.note_key(1, KEY)
    journal._db.execute("PRAGMA busy_timeout = 10")
    with Journal(path, read_only=True) as reader:
        reader._db.execute("BEGIN")
        reader.recall("masks.1")
        with pytest.raises(JournalError, match="another process reads"):
            known.erase(1)
        assert known.unerased() == [1]
        reader._db.execute("ROLLBACK")
    known.erase(1)
    assert known.unerased() == [] and SECRET.hex() not in on_disk(path)


def on_disk(path: Path) -> str:
    return "".join(file.read_bytes().decode("latin1") for file in path.parent.glob("journal.sqlite*"))
