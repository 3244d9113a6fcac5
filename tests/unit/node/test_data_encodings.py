"""Packed text, and text that is no UTF-8: read as it is said to be, and never guessed in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from fednode.data import Columns, DataError, load_data, read_rows
from fednode.data.convert import convert
from fednode.data.likely_encoding import likely_encoding

ROWS = [("le patient est fatigué, « sans fièvre »", "général"), ("plain", "naïve"), ("it’s 37 °C – “fine”", "œdème")]
JSONL = "".join(
    json.dumps({"prompt": prompt, "completion": answer}, ensure_ascii=False) + "\n" for prompt, answer in ROWS
)
CSV = "prompt;completion\r\n" + "".join(f'"{prompt}";{answer}\r\n' for prompt, answer in ROWS)
FRAME = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"size"
"""What pzstd writes first."""


def zstd(content: bytes) -> bytes:
    packed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return packed


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("d.jsonl.zst", zstd(JSONL.encode())),
        ("d.JSONL.zstd", zstd(JSONL.encode())),
        ("d.csv.zst", zstd(CSV.encode("utf-8-sig"))),
        ("d.csv", zstd(CSV.encode("utf-16"))),
        ("d.jsonl", FRAME + zstd(JSONL[:100].encode()) + zstd(JSONL.encode()[len(JSONL[:100].encode()) :])),
        ("d.json.zst", zstd(json.dumps([json.loads(line) for line in JSONL.splitlines()]).encode())),
    ],
)
def test_zstd_is_unpacked_whatever_the_file_is_called(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    table = read_rows(tmp_path / name)
    assert [(row.prompt, row.completion) for row in table.rows] == ROWS and not table.problems
    assert load_data(tmp_path / name)["completion"][:] == [answer for _, answer in ROWS]


def test_zstd_that_unpacks_to_anything_or_is_damaged_is_refused(tmp_path: Path) -> None:
    before = pa.total_allocated_bytes()
    for name, content, said in (
        ("bomb", zstd(b'{"prompt": "' + b"x" * (64 << 20) + b'"}\n'), "holds more than 256 times its"),
        ("cut", zstd(JSONL.encode())[:-20], "cannot be read: .*[Tt]runcated"),
        ("more", zstd(JSONL.encode()) + b"and more", "cannot be read"),
    ):
        (tmp_path / f"{name}.jsonl.zst").write_bytes(content)
        with pytest.raises(DataError, match=said):
            read_rows(tmp_path / f"{name}.jsonl.zst")
    assert pa.total_allocated_bytes() - before < 8 << 20


@pytest.mark.parametrize(("encoding", "writer"), [("cp1252", "Windows"), ("mac_roman", "an older Mac")])
@pytest.mark.parametrize(("name", "text"), [("d.csv", CSV), ("d.jsonl", JSONL)])
def test_an_old_encoding_is_named_and_read_only_if_it_is_said(
    tmp_path: Path, name: str, text: str, encoding: str, writer: str
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    problem = read_rows(path).problems[0]
    assert problem.number == (2 if name == "d.csv" else 1)
    assert problem.what.startswith(f"is not UTF-8, and seems to be text of {writer} ({encoding}): in that it reads “")
    assert "est fatigué, « sans" in problem.what and f'encoding = "{encoding}" in [data]' in problem.what
    with pytest.raises(DataError, match="not UTF-8"):
        load_data(path)
    said = Columns(encoding=encoding)
    assert [(row.prompt, row.completion) for row in read_rows(path, said).rows] == ROWS
    assert load_data(path, said)["prompt"][0] == ROWS[0][0]
    assert convert(path, tmp_path / "out.jsonl", said) == (3, [])
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == JSONL


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("Grüße aus Köln, Maß", "cp1252", "cp1252"),
        ("Grüße aus Köln, Ärzte", "mac_roman", "mac_roman"),
        ("señor, mañana ¿qué?", "cp1252", "cp1252"),
        ("the patient’s “pain”…", "mac_roman", "mac_roman"),
        ("CAFÉ, PÂTÉ", "cp1252", "cp1252"),
        ("blåbær og smørrebrød", "cp1252", "cp1252"),
        ("10 µg ± 2, 5 €", "cp1252", "cp1252"),
        ("боль в груди", "cp1251", None),
        ("胸の痛みがある", "shift_jis", None),
        ("bóle głowy, żółć źle", "cp1250", None),
    ],
)
def test_which_encoding_is_likely(text: str, encoding: str, found: str | None) -> None:
    assert likely_encoding(text.encode(encoding)) == found


def test_what_is_said_of_an_encoding_and_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text(JSONL)
    with pytest.raises(DataError, match="is UTF-8 text, not cp1252: leave"):
        read_rows(tmp_path / "d.jsonl", Columns(encoding="cp1252"))
    assert len(read_rows(tmp_path / "d.jsonl", Columns(encoding="UTF8")).rows) == 3
    (tmp_path / "marked.jsonl").write_text(JSONL, encoding="utf-8-sig")
    assert len(read_rows(tmp_path / "marked.jsonl", Columns(encoding="cp1252")).rows) == 3, "a byte-order mark is sure"
    (tmp_path / "odd.jsonl").write_bytes('{"prompt": "é", "completion": "x\x81"}\n'.encode("latin-1"))
    [problem] = read_rows(tmp_path / "odd.jsonl", Columns(encoding="cp1252")).problems
    assert str(problem).startswith("line 1: is not cp1252 text: byte 33 of the line")
    (tmp_path / "kyrill.jsonl").write_bytes('{"prompt": "боль", "completion": "x"}\n'.encode("cp1251"))
    [problem] = read_rows(tmp_path / "kyrill.jsonl").problems
    assert problem.what.startswith("is not UTF-8 text: byte 13 of the line; save the file as UTF-8, or say which")


def test_what_a_file_seems_to_be_is_found_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of its lines are no UTF-8: each would be read in every encoding, with the lines around it."""
    asked: list[bytes] = []

    def counted(sample: bytes) -> str | None:
        asked.append(sample)
        return likely_encoding(sample)

    monkeypatch.setattr("fednode.data.source.likely_encoding", counted)
    file = tmp_path / "d.jsonl"
    file.write_bytes(b"".join(f'{{"prompt": "café {n}", "completion": "x"}}\n'.encode("cp1252") for n in range(500)))
    problems = read_rows(file).problems
    assert len(problems) == 500 and len(asked) == 1
    assert '“{"prompt": "café 499' in problems[-1].what
