"""Data files as people have them: right, wrong and hostile."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from fednode.data import DataError, check_data, load_data, read_rows
from hypothesis import given, settings
from hypothesis import strategies as st

GOOD = {"prompt": "a small rose", "completion": " red"}


def jsonl(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + b"\n")
    return path


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (json.dumps({"prompt": "x"}), "has no completion"),
        (json.dumps({"completion": "x"}), "has no prompt"),
        (json.dumps({"prompt": "x", "completion": None}), "has no completion"),
        (json.dumps({"prompt": "x", "completion": " \n"}), "completion is empty"),
        (json.dumps({"prompt": "", "completion": "x"}), "prompt is empty"),
        (json.dumps({"prompt": 3, "completion": "x"}), "prompt is not text but int"),
        (json.dumps({"prompt": "x", "completion": ["x"]}), "completion is not text but list"),
        (json.dumps({**GOOD, "domain": 7}), "domain is not text but int"),
        (json.dumps({**GOOD, "completion": "\ud800"}), "half a surrogate pair"),
        ('{"prompt": "x", ', "is not valid JSON"),
        ("[1, 2]", "is not a JSON object"),
        ("[" * 100_000, "is not valid JSON"),
        ('{"prompt": "x", "completion": ' + "9" * 5000 + "}", "is not valid JSON"),
        (b'{"prompt": "\xff", "completion": "x"}', "is not UTF-8"),
    ],
)
def test_a_wrong_row_is_named_and_the_others_are_read(tmp_path: Path, line: str | bytes, said: str) -> None:
    path = jsonl(tmp_path / "d.jsonl", json.dumps(GOOD), "", line, json.dumps(GOOD))
    table = read_rows(path)
    assert len(table.rows) == 2
    assert [problem.number for problem in table.problems] == [3]
    assert said in table.problems[0].what
    with pytest.raises(DataError, match="line 3"):
        load_data(path)


def test_a_report_counts(tmp_path: Path) -> None:
    rows = [{**GOOD, "domain": "warm"}, {**GOOD, "domain": "warm"}, {**GOOD, "prompt": "the sea", "domain": "cold"}]
    path = jsonl(tmp_path / "d.jsonl", *map(json.dumps, rows), '{"prompt": "x"}')
    report = check_data(path)
    assert (report.usable, report.twins.repeated, report.domains, report.ok) == (3, 1, {"warm": 2, "cold": 1}, False)
    assert report.encoded is None and report.answers is None
    assert "line 4: has no completion" in "\n".join(report.lines())


def test_many_problems_are_counted_and_some_shown(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "d.jsonl", *["{}"] * 1000)
    with pytest.raises(DataError) as caught:
        load_data(path)
    assert "1000 rows cannot be used" in str(caught.value)
    assert len(str(caught.value).splitlines()) < 20


@pytest.mark.parametrize("name", ["d.jsonl", "d.csv"])
@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_empty_data_is_an_error(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match="not one row"):
        load_data(path)


def test_no_file_wrong_kind(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_data(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="cannot be read"):
        (tmp_path / "folder.csv").mkdir()
        load_data(tmp_path / "folder.csv")
    with pytest.raises(DataError, match=r"its name must end in \.jsonl .* \.parquet"):
        (tmp_path / "d.txt").touch()
        load_data(tmp_path / "d.txt")


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(
        b"\xef\xbb\xbfid,completion,prompt,domain\r\n"
        b'1, red,"a ""small"" rose,\nsecond line",warm\r\n'
        b"\r\n"
        b"2, blue,sea\r\n"  # a field too few
        b"3,,grass,cold\r\n"
        b"4, white,snow,\r\n"
    )
    table = read_rows(path)
    assert [(row.prompt, row.completion, row.domain) for row in table.rows] == [
        ('a "small" rose,\nsecond line', " red", "warm"),
        ("snow", " white", None),
    ]
    assert [(problem.number, problem.what) for problem in table.problems] == [
        (5, "has another number of fields than the header: 3, not 4"),
        (6, "completion is empty"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"prompt/completion\nx/y\n", "no column prompt and completion"),
        (b"prompt,answer\nx,y\n", "no column completion; it names: prompt, answer"),
        (b"prompt,completion,prompt\nx,y,z\n", "two columns named prompt"),
        (b'prompt,completion\n"x,y\n', "is not valid CSV"),
        (b"prompt,completion\nx,y\n\xff,z\n", "line 3: is not UTF-8"),
    ],
)
def test_wrong_csv(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        load_data(path)


def test_a_long_csv_field(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("prompt,completion\n" + "x" * 500_000 + ",y\n")
    assert len(read_rows(path).rows[0].prompt) == 500_000


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1).filter(str.strip)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT, st.none() | TEXT), min_size=1, max_size=5))
def test_what_the_standard_writers_write_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str | None]]
) -> None:
    folder = tmp_path_factory.mktemp("round-trip")
    names = ("prompt", "completion", "domain")
    jsonl(folder / "d.jsonl", *[json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows])
    with (folder / "d.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
    for name in ("d.jsonl", "d.csv"):
        assert [(row.prompt, row.completion, row.domain) for row in read_rows(folder / name).rows] == rows, name


def test_the_table_is_a_dataset_with_text_columns(tmp_path: Path) -> None:
    data = load_data(jsonl(tmp_path / "d.jsonl", json.dumps(GOOD), json.dumps({**GOOD, "domain": "warm", "id": 3})))
    assert data.column_names == ["prompt", "completion", "domain"]
    assert data["domain"][:] == [None, "warm"]
