"""Files as Excel, Windows, pandas and other people's data sets write them: read, or named with the way out."""

from __future__ import annotations

import gzip
import json
import shlex
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fednode.data import Columns, DataError, check_data, load_data, read_rows
from fednode.data.convert import convert
from openpyxl import Workbook

NOTE, SECOND = 'chest pain, "sharp" 🫀 naïve', "two\nlines"
ROWS = [(NOTE, "Cardiology"), (SECOND, "Neurology")]
TABLE = [("prompt", "completion"), *ROWS]
OBJECTS: list[dict[str, Any]] = [dict(zip(TABLE[0], row, strict=True)) for row in ROWS]


def csv_text(separator: str, head: str = "") -> str:
    quoted = (separator.join('"' + field.replace('"', '""') + '"' for field in row) for row in TABLE)
    return head + "".join(f"{line}\r\n" for line in quoted)


def workbook(path: Path, *rows: tuple[Any, ...]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("another").append(("prompt",))
    book.save(path)
    return path


def rows_of(path: Path, **columns: Any) -> list[tuple[str, str]]:
    table = read_rows(path, Columns(**columns))
    assert not table.problems, table.problems
    return [(row.prompt, row.completion) for row in table.rows]


INSTRUCTIONS = [{"instruction": "Which one?", "input": note, "output": answer} for note, answer in ROWS]
SHAREGPT = [
    {"conversations": [{"from": "human", "value": note}, {"from": "gpt", "value": answer}]} for note, answer in ROWS
]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in OBJECTS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("semicolon.csv", csv_text(";").encode("utf-8-sig")),
        ("sep.csv", csv_text(";", "sep=;\r\n").encode("utf-8-sig")),
        ("odd.csv", csv_text("^", "SEP=^\r\n").encode()),
        ("tab.csv", csv_text("\t").encode()),
        ("tab.tsv", csv_text("\t").encode("utf-16")),
        ("unicode.csv", csv_text("\t").encode("utf-16")),
        ("packed.csv.gz", gzip.compress(csv_text(",").encode())),
        ("lines.jsonl", LINES.encode("utf-16")),
        ("lines.jsonl.gz", gzip.compress(LINES.encode())),
        ("packed.jsonl", gzip.compress(LINES.encode("utf-16"))),
        ("array.json", json.dumps(OBJECTS, indent=1).encode()),
        ("array.jsonl", json.dumps(OBJECTS).encode("utf-8-sig")),
        ("array.json.gz", gzip.compress(json.dumps(OBJECTS).encode())),
        ("sharegpt.jsonl", "\n".join(map(json.dumps, SHAREGPT)).encode()),
    ],
)
def test_what_is_recognised(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert rows_of(tmp_path / name) == ROWS
    assert load_data(tmp_path / name)["completion"][:] == ["Cardiology", "Neurology"]


def test_instructions_with_their_input(tmp_path: Path) -> None:
    wanted = [(f"Which one?\n\n{note}", answer) for note, answer in ROWS]
    (tmp_path / "d.json").write_text(json.dumps(INSTRUCTIONS))
    assert rows_of(tmp_path / "d.json") == wanted
    pq.write_table(pa.Table.from_pylist(INSTRUCTIONS), tmp_path / "d.parquet")
    assert rows_of(tmp_path / "d.parquet") == wanted
    workbook(tmp_path / "d.xlsx", tuple(INSTRUCTIONS[0]), *(tuple(row.values()) for row in INSTRUCTIONS))
    assert rows_of(tmp_path / "d.xlsx") == wanted
    (tmp_path / "bare.jsonl").write_text('{"instruction": "Which?", "input": "", "output": "this"}\n')
    assert rows_of(tmp_path / "bare.jsonl") == [("Which?", "this")]


def test_conversations_in_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(SHAREGPT), tmp_path / "d.parquet")
    assert rows_of(tmp_path / "d.parquet") == ROWS


def test_a_workbook(tmp_path: Path) -> None:
    """Its first sheet; a label may be a number there."""
    assert rows_of(workbook(tmp_path / "d.xlsx", (), *TABLE, (None, ""))) == ROWS
    numbers = workbook(tmp_path / "n.xlsx", ("text", "label"), ("a", 0), ("b", 1.0), ("c", True))
    labels = {"0": "no", "1": "yes", "true": "certainly"}
    named = {"prompt": "text", "completion": "label"}
    assert rows_of(numbers, **named, labels=labels) == [("a", "no"), ("b", "yes"), ("c", "certainly")]
    [error] = check_data(numbers, columns=Columns(**named)).errors()[1:]
    assert error.startswith("  3 rows, rows 2, 3, 4: label is a number, not text: say what each means")
    (tmp_path / "broken.xlsx").write_bytes(b"PK\3\4 and more")
    with pytest.raises(DataError, match=r"save it as \.xlsx again"):
        read_rows(tmp_path / "broken.xlsx")


def test_columns_and_labels_of_ones_own(tmp_path: Path) -> None:
    named = {"prompt": "text", "completion": "label", "labels": {"0": "no", "1": "yes"}}
    (tmp_path / "d.csv").write_text("text;label;ward\na;0;x\nb; 1;y\n")
    assert rows_of(tmp_path / "d.csv", **named) == [("a", "no"), ("b", "yes")]
    assert [row.domain for row in read_rows(tmp_path / "d.csv", Columns(**named, domain="ward")).rows] == ["x", "y"]
    pq.write_table(pa.table({"text": ["a", "b"], "label": pa.array([0, 1], pa.int8())}), tmp_path / "d.parquet")
    assert rows_of(tmp_path / "d.parquet", **named) == [("a", "no"), ("b", "yes")]
    with pytest.raises(DataError, match=r"say in the config what each value means, such as \[data\] labels = \{0"):
        read_rows(tmp_path / "d.parquet", Columns("text", "label"))
    (tmp_path / "d.jsonl").write_text('{"text": "a", "label": 1}\n{"text": "b", "label": 7}\n')
    [problem] = read_rows(tmp_path / "d.jsonl", Columns(**named)).problems
    assert str(problem) == "line 2: label has a value that no label names: “7”"


def test_a_column_that_is_called_otherwise_is_one_error_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text('{"text": "a", "label": "b"}\n' * 82)
    (tmp_path / "d.csv").write_text("text,label\n" + "a,b\n" * 82)
    for name, way in (("d.jsonl", "it has text, label"), ("d.csv", '[data] prompt = "…", completion = "…"')):
        count, error = check_data(tmp_path / name).errors()
        assert ("82 rows" if name == "d.jsonl" else "1 row ") in count and way in error


def test_what_is_no_json_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text(json.dumps(OBJECTS, indent=1)[1:])  # pretty-printed objects without the array
    assert len(check_data(tmp_path / "d.jsonl").errors()) == 2
    for content, said in [
        ('[{"prompt": "a", "completion": "b"}, {"prompt"', "item 2: is not valid JSON, and nothing after it"),
        ('[{"prompt": "a", "completion": "b"} {}]', "item 2: is not valid JSON, and nothing after it"),
        ('[{"prompt": "a", "completion": "b"}] x', "item 2: is not valid JSON, and nothing after it"),
        ('[{"prompt": "a", "completion": "b"}, 3]', "item 2: is not a JSON object"),
        ('[{"prompt": "a", "completion": "b"},' + "[" * 99_999, "item 2: is not valid JSON"),
    ]:
        (tmp_path / "d.json").write_text(content)
        table = read_rows(tmp_path / "d.json")
        assert len(table.rows) == 1 and str(table.problems[0]).startswith(said), table.problems
    for empty in ("[]", " [ ] "):
        (tmp_path / "d.json").write_text(empty)
        assert read_rows(tmp_path / "d.json").rows == ()


def test_a_long_array_is_read_piece_by_piece(tmp_path: Path) -> None:
    items = [{"prompt": "x" * (100_000 if i == 3 else 20), "completion": "y"} for i in range(3000)]
    (tmp_path / "d.json").write_text(json.dumps(items))
    assert [len(prompt) for prompt, _ in rows_of(tmp_path / "d.json")] == [len(item["prompt"]) for item in items]


@pytest.mark.parametrize("text", ["prompt,completion\na,b\nchest pain at café,c\n", LINES.replace("🫀", "")])
def test_windows_text_is_named_with_the_command_that_converts(tmp_path: Path, text: str) -> None:
    path = tmp_path / ("some notes.csv" if text.startswith("prompt") else "some notes.jsonl")
    path.write_bytes(text.encode("cp1252"))
    [problem] = read_rows(path).problems
    command = problem.what.partition("or convert it: ")[2]
    assert problem.number == (3 if path.suffix == ".csv" else 1)
    assert problem.what.startswith("is not UTF-8, and seems to be text of Windows (cp1252): in that it reads “")
    words = shlex.split(command)
    assert words[:3] == ["fednode", "data", "convert"] and words[5:] == ["--encoding", "cp1252"]
    assert convert(Path(words[3]), Path(words[4]), Columns(encoding=words[6])) == (2, [])
    assert "é" in str(rows_of(Path(words[4]))) or "ï" in str(rows_of(Path(words[4])))


def test_utf_16_without_a_mark_is_named(tmp_path: Path) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        (tmp_path / "d.csv").write_bytes(csv_text(",").encode(encoding))
        with pytest.raises(DataError, match=f"--encoding {encoding}"):
            read_rows(tmp_path / "d.csv")
        assert [row.completion for row in read_rows(tmp_path / "d.csv", Columns(encoding=encoding)).rows] == [
            b for _, b in ROWS
        ]


@pytest.mark.parametrize(
    ("lines", "number", "said"),
    [
        (
            ["prompt,completion", '"note with', 'new line",a', '"open quote,b', "next,c"],
            4,
            "a quotation mark opens here",
        ),
        (["prompt,completion", '"a', 'b",c', '"d,e', '"f",g'], 4, "a quotation mark opens here"),
        (["prompt,completion", '"a', 'b","c', "d,e"], 3, "a quotation mark opens here"),
        (["prompt,completion", "a,b", '"c,d', "e,f", '",g,h'], 3, "3, not 2 and ends in line 5"),
    ],
)
def test_an_unclosed_quotation_mark_is_named_by_the_line_where_it_opens(
    tmp_path: Path, lines: list[str], number: int, said: str
) -> None:
    (tmp_path / "d.csv").write_text("\n".join(lines) + "\n")
    problem = read_rows(tmp_path / "d.csv").problems[0]
    assert problem.number == number and said in problem.what


def test_a_packed_file_that_unpacks_to_anything_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_bytes(gzip.compress(b'{"prompt": "' + b"x" * (64 << 20) + b'"}\n'))
    with pytest.raises(DataError, match="holds more than 256 times its"):
        read_rows(tmp_path / "d.jsonl")
    (tmp_path / "cut.jsonl").write_bytes(gzip.compress(LINES.encode())[:-20])
    with pytest.raises(DataError, match="cannot be read"):
        read_rows(tmp_path / "cut.jsonl")


def test_convert_writes_all_or_nothing(tmp_path: Path) -> None:
    source, out = tmp_path / "d.csv", tmp_path / "d.jsonl"
    source.write_text("text;label;domain\na;0;x\nb;;\nc;1;\n")
    columns = Columns("text", "label", labels={"0": "no", "1": "yes"})
    written, problems = convert(source, out, columns)
    assert written is None and "line 3: label" in problems[1] and not out.exists()
    written, problems = convert(source, out, columns, leave_out=True)
    assert written == 2 and len(problems) == 2
    assert [json.loads(line) for line in out.read_text().splitlines()] == [
        {"prompt": "a", "completion": "no", "domain": "x"},
        {"prompt": "c", "completion": "yes"},
    ]
    assert out.stat().st_mode & 0o077 == 0, "it is the site's data"
    for wrong, said in [
        ((source, out), "exists and is not overwritten"),
        ((source, tmp_path / "d.txt"), r"must end in \.jsonl"),
        ((tmp_path / "none.csv", tmp_path / "e.jsonl"), "cannot be read"),
    ]:
        with pytest.raises(DataError, match=said):
            convert(*wrong)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv", "d.jsonl"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("d.csv", 'prompt,completion\na,b\n"open quote,b\nnext,c\n'),
        ("d.json", '[{"prompt": "a", "completion": "b"}, {"prompt": oops'),
    ],
)
def test_the_rest_of_a_file_is_not_a_row_to_leave_out(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    written, problems = convert(tmp_path / name, tmp_path / "out.jsonl", leave_out=True)
    assert written is None and "nothing after it can be read" in problems[1]
    assert not (tmp_path / "out.jsonl").exists()
