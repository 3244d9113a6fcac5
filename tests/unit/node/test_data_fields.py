"""Prompts and completions that lie inside of columns, and classes that the data themselves name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fednode.data import Columns, DataError, check_data, read_rows
from fednode.data.fields import absence, value_at

NESTED = Columns("input.question", "answers.text.0", "meta.ward")
ROWS: list[dict[str, Any]] = [
    {"id": 1, "input": {"question": "a?", "more": [1]}, "answers": {"text": ["x", "y"]}, "meta": {"ward": "w"}},
    {"id": 2, "input": {"question": "b?", "more": []}, "answers": {"text": ["z"]}, "meta": None},
    {"id": 3, "input": {"question": "c?", "more": []}, "answers": {"text": []}, "meta": {"ward": None}},
    {"id": 4, "input": {"question": "d?", "more": []}, "answers": None, "meta": {"ward": "v"}},
]  # fmt: skip


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=3)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def texts(path: Path, columns: Columns) -> list[tuple[str, str]]:
    table = read_rows(path, columns)
    assert not table.problems, table.problems
    return [(row.prompt, row.completion) for row in table.rows]


@pytest.mark.parametrize("name", ["d.jsonl", "d.parquet"])
def test_paths_lead_into_columns_and_what_is_absent_is_named_row_by_row(tmp_path: Path, name: str) -> None:
    table = read_rows(written(tmp_path / name, ROWS), NESTED)
    assert [(row.prompt, row.completion, row.domain) for row in table.rows] == [("a?", "x", "w"), ("b?", "z", None)]
    assert [(problem.number, problem.what) for problem in table.problems] == [
        (3, "has no answers.text.0: answers.text has 0 items"),
        (4, "has no answers.text.0: answers is empty"),
    ]
    [cause] = [line for line in check_data(tmp_path / name, columns=NESTED).errors() if "rows" in line and "0:" in line]
    assert cause.startswith("  2 rows, "), "one cause for all rows that lack the same"


@pytest.mark.parametrize("name", ["d.jsonl", "d.parquet"])
def test_a_column_whose_name_has_a_dot_wins(tmp_path: Path, name: str) -> None:
    columns = Columns("input.question", "a.b.c")
    rows = [{"input.question": "named", "input": {"question": "inside"}, "a.b": {"c": "deep"}, "a": {"b": {"c": "no"}}}]
    assert texts(written(tmp_path / name, rows), columns) == [("named", "deep")]
    del rows[0]["input.question"], rows[0]["a.b"]
    assert texts(written(tmp_path / name, rows), columns) == [("inside", "no")]


def test_of_parquet_only_what_the_paths_lead_to_is_read(tmp_path: Path) -> None:
    """A column beside them that cannot be read does no harm, and what they cannot lead to is one error."""
    rows = [{"input": {"question": "a?", "blob": b"\xff" * 9}, "out": [{"label": "x"}]}] * 3
    path = written(tmp_path / "d.parquet", rows)
    assert texts(path, Columns("input.question", "out.0.label")) == [("a?", "x")] * 3
    for wrong, said in (
        ("input.answer", r"has no column input\.answer, nor messages; it has: input, out"),
        ("out.first.label", "has no column out.first.label"),
        ("input.question.0", "has no column input.question.0"),
        ("input", "column input is not text but struct"),
        ("input.blob", "column input.blob is not text but binary"),
    ):
        with pytest.raises(DataError, match=said):
            read_rows(path, Columns(wrong, "out.0.label"))


def test_lists_in_parquet_are_made_only_as_far_as_there_is_room(tmp_path: Path) -> None:
    kind = pa.struct([("text", pa.list_(pa.list_(pa.string())))])
    table = pa.table({"q": ["x"], "a": pa.array([{"text": [[None] * 300_000]}], kind)})
    pq.write_table(table, tmp_path / "d.parquet", compression="zstd", store_schema=False)
    with pytest.raises(DataError, match="holds more than 256 times its"):
        read_rows(tmp_path / "d.parquet", Columns("q", "a.text.0.0"))


def test_where_a_path_leads() -> None:
    record = {"a": {"b": [{"c": 1}, 5]}, "d": None, "x.y": None}
    assert value_at(record, "a.b.0.c") == 1 and value_at(record, "a.b.1") == 5
    for path, why in (
        ("a.b.2", "a.b has 2 items"),
        ("a.b.-1", "a.b is a list"),
        ("a.b.²", "a.b is a list"),
        ("a.b.1.c", "a.b.1 is no object and no list"),
        ("a.c", "a has no c"),
        ("d.e", "d is empty"),
        ("z.e", "the row has no z"),
        ("x.y", ""),
        ("z", ""),
    ):
        assert value_at(record, path) is None and absence(record, path) == why


def test_what_a_parquet_file_of_datasets_calls_its_classes(tmp_path: Path) -> None:
    features = {
        "text": {"dtype": "string", "_type": "Value"},
        "label": {"names": ["no", "yes"], "_type": "ClassLabel"},
        "deep": [{"label": {"names": ["up", "down"], "_type": "ClassLabel"}}],
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    columns = {"text": ["a", "b", "c"], "label": pa.array([0, 1, -1]), "deep": [[{"label": 1}]] * 3}
    path = tmp_path / "d.parquet"
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), path)
    report = check_data(path, columns=Columns("text", "label"))
    assert report.lines()[1] == "label holds numbers of classes, which the data themselves name: 0 = no, 1 = yes"
    assert report.usable == 2 and "row 3: label has a value that no label names: “-1”" in "\n".join(report.errors())
    own = Columns("text", "label", labels={"0": "nein", "1": "ja", "-1": "weiß nicht"})
    assert texts(path, own) == [("a", "nein"), ("b", "ja"), ("c", "weiß nicht")]
    assert not check_data(path, columns=own).remarks, "what a person says wins"
    assert texts(path, Columns("text", "deep.0.label")) == [("a", "down"), ("b", "down"), ("c", "down")]
    for broken in ("{", json.dumps([1]), json.dumps({"info": {"features": {"label": {"_type": "ClassLabel"}}}})):
        pq.write_table(pa.table(columns).replace_schema_metadata({"huggingface": broken}), path)
        with pytest.raises(DataError, match="say in the config what each value means"):
            read_rows(path, Columns("text", "label"))
