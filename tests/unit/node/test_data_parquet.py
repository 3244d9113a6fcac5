"""Parquet files as people write them, damaged ones, and ones that claim to hold far more than they do."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fednode.data import DataError, Table, arrow_rows, check_data, load_data, read_rows
from hypothesis import given, settings
from hypothesis import strategies as st

ROWS = [("a small rose", " red", "warm"), ("the sea", " blue", None), ("é\u2028\U0001f600", " white", "cold")]
MESSAGES = [
    [{"role": "user", "content": "a small rose"}, {"role": "assistant", "content": " red"}],
    [{"content": "Be brief.", "role": "system"}, *({"role": r, "content": "x"} for r in ("user", "assistant"))],
]
Written = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(columns: Any, name: str = "d.parquet", **options: Any) -> Path:
        pq.write_table(pa.table(columns), tmp_path / name, **options)
        return tmp_path / name

    return write


def columns(rows: list[tuple[Any, ...]] = ROWS) -> dict[str, Any]:
    return dict(zip(("prompt", "completion", "domain"), map(list, zip(*rows, strict=True)), strict=True))


def texts(table: Table) -> list[tuple[str, str, str | None]]:
    return [(row.prompt, row.completion, row.domain) for row in table.rows]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"row_group_size": 1},
        {"compression": "zstd", "data_page_version": "2.0"},
        {"compression": "gzip", "use_dictionary": False},
        {"compression": "brotli", "version": "1.0", "store_schema": False},
        {
            "use_dictionary": False,
            "column_encoding": {"prompt": "DELTA_BYTE_ARRAY", "completion": "DELTA_LENGTH_BYTE_ARRAY"},
        },
    ],
)
def test_rows_are_read_however_they_are_written(written: Written, options: dict[str, Any]) -> None:
    path = written({"id": [1, 2, 3], **columns(), "more": [[{"x": 1}]] * 3}, **options)
    table = read_rows(path)
    assert texts(table) == ROWS
    assert table.problems == ()
    assert load_data(path)["domain"][:] == ["warm", None, "cold"]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())])
def test_all_kinds_of_text(written: Written, kind: Any) -> None:
    path = written({name: pa.array(values, pa.string()).cast(kind) for name, values in columns().items()})
    assert texts(read_rows(path)) == ROWS


def test_a_column_of_nothing_but_null(written: Written) -> None:
    given = {**columns(), "domain": pa.nulls(3), "messages": pa.nulls(3)}
    assert texts(read_rows(written(given))) == [(prompt, completion, None) for prompt, completion, _ in ROWS]


@pytest.mark.parametrize("large", [False, True])
def test_messages(written: Written, large: bool) -> None:
    message = pa.struct([("name", pa.string()), ("role", pa.string()), ("content", pa.string()), ("n", pa.int32())])
    kind = pa.large_list(message) if large else pa.list_(message)
    table = read_rows(written({"messages": pa.array(MESSAGES, kind), "domain": ["warm", None]}))
    assert table.problems == ()
    assert texts(table) == [("a small rose", " red", "warm"), ("System: Be brief.\n\nUser: x", "x", None)]


def test_wrong_rows_are_named_by_their_number(written: Written) -> None:
    given = {
        "prompt": ["x", None, None, "x", " ", "x", None, None],
        "completion": ["y", None, None, "y", "y", None, None, None],
        "messages": [None, MESSAGES[0], MESSAGES[0][:1], MESSAGES[0], None, None, None, [None]],
    }
    table = read_rows(written(given, row_group_size=3))
    assert texts(table) == [("x", "y", None), ("a small rose", " red", None)]
    assert [str(problem) for problem in table.problems] == [
        "row 3: messages end with the role user, not with an answer of the assistant",
        "row 4: has messages beside prompt and completion; give one or the other",
        "row 5: prompt is empty",
        "row 6: has no completion",
        "row 7: has neither prompt and completion nor messages",
        "row 8: message 1 is not an object with role and content",
    ]


@pytest.mark.parametrize("kind", [pa.int64(), pa.float32(), pa.bool_()])
def test_an_answer_of_weight_0_is_not_learned(written: Written, kind: pa.DataType) -> None:
    message = pa.struct([("role", pa.string()), ("content", pa.string()), ("weight", kind)])
    asked = {"role": "user", "content": "x", "weight": None}
    answers = [{"role": "assistant", "content": "y", "weight": pa.scalar(w).cast(kind).as_py()} for w in (0, 1)]
    chats = [[asked, answers[0]], [asked, answers[1]], [asked, {**answers[0], "weight": None}]]
    table = read_rows(written({"messages": pa.array(chats, pa.list_(message))}))
    assert [str(problem) for problem in table.problems] == [
        "row 1: the last answer has weight 0: it is not to be learned, and no other is; take the row out"
    ]
    assert len(table.rows) == 2


def test_bytes_that_are_no_text_are_a_problem_of_their_row(written: Written) -> None:
    wrong = pa.StringArray.from_buffers(3, *pa.array([b"x", b"\xff", b"z"]).buffers()[1:])
    table = read_rows(written({"prompt": wrong, "completion": ["a", "b", "c"]}))
    assert texts(table) == [("x", "a", None), ("z", "c", None)]
    assert [str(problem) for problem in table.problems] == ["row 2: is not UTF-8 text"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"prompt": ["x"], "answer": ["y"]}, "has no column completion, nor messages; it has: prompt, answer"),
        ({"text": ["x"]}, "has no column prompt and completion, nor messages"),
        ({"prompt": [1], "completion": ["y"]}, "column prompt is not text but int64"),
        ({"prompt": [b"x"], "completion": ["y"]}, "column prompt is not text but binary"),
        ({"prompt": ["x"], "completion": [["y"]]}, "column completion is not text but list"),
        ({**columns(), "domain": [1, 2, 3]}, "column domain is not text but int64"),
        (
            {"messages": ["x"]},
            "column messages is not a list of role and content .text., perhaps weight .a number. but string",
        ),
        (
            {"messages": [{"role": ["user"], "content": ["x"]}]},
            "messages is not a list of role and content .text., perhaps weight .a number. but struct",
        ),
        (
            {"messages": [[{"from": "human", "value": "x"}]]},
            "messages is not a list of role and content .text., perhaps weight .a number. but list",
        ),
        ({"messages": [[{"role": "user", "content": ["x"]}]]}, "messages is not a list of role and content"),
        (
            {"messages": [[{"role": "user", "content": "x", "weight": "0"}]]},
            "messages is not a list of role and content",
        ),
    ],
)
def test_wrong_columns(written: Written, given: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_rows(written(given))


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["x"])] * 3, names=["prompt", "completion", "prompt"])
    pq.write_table(table, tmp_path / "d.parquet")
    with pytest.raises(DataError, match="two columns named prompt"):
        read_rows(tmp_path / "d.parquet")


def test_no_rows(written: Written) -> None:
    empty = {name: pa.array([], pa.string()) for name in ("prompt", "completion")}
    with pytest.raises(DataError, match="not one row"):
        load_data(written(empty))


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1\0\0\0\0PAR1", b"PAR1" + b"\xff" * 40 + struct.pack("<I", 40) + b"PAR1", b"a,b\n"]
)
def test_what_is_no_parquet(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "d.parquet").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        check_data(tmp_path / "d.parquet")


def test_no_file_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder.parquet").mkdir()
    for name, said in (("none.parquet", "No such file"), ("folder.parquet", "Is a directory")):
        with pytest.raises(DataError, match=f"cannot be read: {said}"):
            read_rows(tmp_path / name)


def test_rows_before_the_damage_are_read(written: Written) -> None:
    path = written(columns([(f"prompt {n}", " red", None) for n in range(6)]), row_group_size=2, use_dictionary=False)
    content = path.read_bytes()
    at = content.index(b"prompt 4")
    path.write_bytes(content[: at - 30] + bytes(30) + content[at:])
    table = read_rows(path)
    assert [row.prompt for row in table.rows] == [f"prompt {n}" for n in range(4)]
    assert str(table.problems[0]).startswith("row 5: cannot be read, nor can what comes after it: ")


def test_a_row_that_points_outside_of_its_dictionary(written: Written) -> None:
    """Found by the fuzzer: Arrow reads it and fails at the row."""
    kind = pa.dictionary(pa.int8(), pa.string())
    given = {name: pa.array(values, pa.string()).cast(kind) for name, values in columns().items()}
    path = written(given, compression="none")
    page = b"\x4c\x15%c\x15\x00\x12"  # the header of a dictionary: how many values it has, twice
    path.write_bytes(path.read_bytes().replace(page % 6, page % 0, 1))
    table = read_rows(path)
    assert table.rows == ()
    assert (
        str(table.problems[2]) == "row 3: cannot be read: index with value of 2 is out-of-bounds for array of length 0"
    )


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), cut=st.booleans())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, seed: int, cut: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    pq.write_table(pa.table({**columns([*ROWS, *ROWS]), "messages": [*MESSAGES * 3]}), path, row_group_size=2)
    content, chance = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(chance.randrange(1, 5)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    if cut:
        del content[chance.randrange(len(content)) :]
    path.write_bytes(content)
    try:
        assert all(row.prompt.strip() for row in read_rows(path).rows)
    except DataError as error:
        assert len(str(error)) < 1000


READ = """
import sys, tracemalloc
from pathlib import Path
import pyarrow
from fednode.data import DataError, read_rows
for name in sys.argv[1:]:
    tracemalloc.start()
    try:
        print(name, len(read_rows(Path(name)).rows), end=" ")
    except DataError as error:
        print(error, end=" ")
    print((tracemalloc.get_traced_memory()[1] + pyarrow.default_memory_pool().max_memory()) >> 20)
    tracemalloc.stop()
"""


@pytest.mark.process
def test_a_small_file_does_not_become_a_large_table(written: Written) -> None:
    """In a process that has not written them, so that the most that Arrow and Python held, in MiB, is from reading."""
    none = [{"role": None, "content": None}]
    same = pa.DictionaryArray.from_arrays(pa.array([0] * 256, pa.int32()), pa.array(["x" * (1 << 20)]))
    chat = pa.StructArray.from_arrays([pa.array(["user"] * 256), same], ["role", "content"])
    given = {
        "usual": {"prompt": ["x"] * 1000, "completion": ["y"] * 1000},
        "inflated": {"prompt": ["x" * (1 << 27)], "completion": ["y"]},
        "repeated": {"prompt": same, "completion": ["y"] * 256},
        "chat": {"messages": pa.ListArray.from_arrays(pa.array(range(257), pa.int32()), chat)},
        "rows": {"prompt": ["x"] * 200_000, "completion": ["y"] * 200_000},
        "long": {"messages": [none * 300_000]},
    }
    files = [
        written(columns, f"{name}.parquet", compression="zstd", store_schema=False) for name, columns in given.items()
    ]
    assert max(file.stat().st_size for file in files) < 20_000
    done = subprocess.run([sys.executable, "-c", READ, *map(str, files)], capture_output=True, text=True, check=True)
    print(done.stdout)
    first, *refused = [line.rpartition(" ") for line in done.stdout.splitlines()]
    assert first[0].endswith("usual.parquet 1000")
    for file, (said, _, most) in zip(files[1:], refused, strict=True):
        assert f"{file.name}: holds more than 256 times its" in said
        assert int(most) < 64, said


def test_a_text_that_many_rows_share_is_no_reason_to_refuse(written: Written) -> None:
    document = " ".join(map(str, range(20_000)))
    table = read_rows(written({"prompt": [document] * 100, "completion": ["y"] * 100}))
    assert {row.prompt for row in table.rows} == {document}


def test_types_are_asked_for_columns_and_not_for_values(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """To ask for each value took more than half of the time that millions of rows take."""
    asked = []
    monkeypatch.setattr(arrow_rows, "is_list", lambda kind, real=arrow_rows.is_list: asked.append(kind) or real(kind))
    count = 2000
    path = written(columns(ROWS * count))
    assert len(read_rows(path).rows) == 3 * count
    assert len(asked) <= 3 * (3 * count // arrow_rows.BATCH_ROWS + 1)
