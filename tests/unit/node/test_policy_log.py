"""The site's log: nothing in it can be changed, moved or removed unseen, and a kill at any byte costs no entry."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from fednode.policy.entries import NOTHING, Left
from fednode.policy.log import History, Log, LogError, digest_of_line, history
from support.site_policies import approved, left, policy_file

POLICY = policy_file()


def filled(folder: Path) -> tuple[Log, str]:
    """An approval and three updates; returns the digest of the last line too."""
    log = Log(folder / "home/policy-log.jsonl")
    for entry in (approved(POLICY), left(1), left(2)):
        log.append(entry)
    return log, log.append(left(3, epsilon=1.5))


def rewritten(log: Log, *places: int) -> History:
    """The log with the lines of these places alone, in this order."""
    lines = log.path.read_bytes().splitlines(keepends=True)
    return history(b"".join(lines[place] for place in places), "", log.path)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    log, head = filled(tmp_path)
    found = log.read(head)
    assert [line.entry.kind for line in found.lines] == ["approved", "left", "left", "left"]
    assert found.gap is None and found.torn == 0 and found.lines[-1].digest == head
    assert [entry.round for entry in found.departures()] == [1, 2, 3]
    assert [entry.epsilon for entry in found.departures()] == [None, None, 1.5]
    [(place, approval)] = found.approvals()
    assert place == 0 and approval.is_signed and approval.text == POLICY.text
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


def test_each_line_names_the_one_before_it(tmp_path: Path) -> None:
    log, _ = filled(tmp_path)
    before = NOTHING
    for line in log.path.read_bytes().splitlines():
        assert json.loads(line)["before"] == before
        before = digest_of_line(line)
    assert "epsilon" not in json.loads(log.path.read_bytes().splitlines()[1])


@pytest.mark.parametrize(("places", "gap"), [((0, 1, 3), 2), ((1, 2, 3), 0), ((0, 2, 1, 3), 3), ((0, 1, 2, 3), None)])
def test_a_line_that_is_removed_or_moved_is_missed(tmp_path: Path, places: tuple[int, ...], gap: int | None) -> None:
    log, _ = filled(tmp_path)
    assert rewritten(log, *places).gap == gap


def test_a_line_that_is_changed_is_seen(tmp_path: Path) -> None:
    log, head = filled(tmp_path)
    text = log.path.read_text()
    log.path.write_text(text.replace('"bytes":12345', '"bytes":12', 1))
    assert log.read(head).gap == 2


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_lines_that_are_cut_off_are_missed_for_ever(tmp_path: Path, kept: int) -> None:
    log, head = filled(tmp_path)
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:kept]))
    assert log.read().gap is None and log.read(head).gap == kept, "only the journal knows of them"
    after = log.append(left(4), head)
    assert log.read(after).gap == log.read(head).gap == kept
    log.append(left(5), after)
    assert log.read(after).gap == kept and len(log.read().lines) == kept + 2


def test_a_log_that_is_gone_is_missed(tmp_path: Path) -> None:
    log, head = filled(tmp_path)
    log.path.unlink()
    assert log.read(head).gap == 0 and log.read().gap is None


def test_a_kill_at_any_byte_of_a_line_loses_no_other(tmp_path: Path) -> None:
    log, head = filled(tmp_path)
    whole = log.path.read_bytes()
    begun = whole + json.dumps(left(4).model_dump(mode="json")).encode()[:-1]
    for end in range(len(whole) - 1, len(begun), 37):
        log.path.write_bytes(begun[:end])
        found = log.read(head)
        assert len(found.lines) == 4 and found.gap is None, "also without the end of its last line"
        log.append(left(4), head)
        found = log.read(head)
        assert found.gap is None and len(found.lines) == 5 and found.torn == (end > len(whole))


def test_an_older_journal_knows_an_older_line(tmp_path: Path) -> None:
    log, _ = filled(tmp_path)
    second = digest_of_line(log.path.read_bytes().splitlines()[1])
    assert log.read(second).gap is None


def test_an_entry_of_another_version_is_refused(tmp_path: Path) -> None:
    log, _ = filled(tmp_path)
    with log.path.open("ab") as file:
        file.write(b'{"kind":"left","new":1}\n')
    with pytest.raises(LogError, match=r"line 5 of the log .* newer version"):
        log.read()
    with pytest.raises(LogError, match="newer version"):
        log.append(left(4))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    log, _ = filled(tmp_path)
    log.path.chmod(0o400)
    with pytest.raises(LogError, match="nothing leaves that is not in it"):
        log.append(left(4))


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    log.path.mkdir()
    with pytest.raises(LogError, match="nothing leaves that is not in it"):
        log.append(left(1))
    with pytest.raises(LogError, match="cannot be read"):
        log.read()


def test_an_approval_keeps_the_text_that_was_approved() -> None:
    with pytest.raises(ValueError, match="not the policy that the approval names"):
        approved(POLICY, text=POLICY.text + "# more\n")


def test_a_losing_update_s_figures_fit() -> None:
    assert isinstance(left(loss_before=2**64 - 1, examples=2**32), Left)
