"""Rows that a site holds out of training: the same ones, whatever else is in the file, and never trained on."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fednode.config import NodeConfig, SoloConfig
from fednode.data import Columns, DataError, Row, check_data, load_data, table
from fednode.data.held_out import is_held_out
from fednode.data_source import Portion
from fednode.site_data import data_files, scored_rows, site_rows, solo_rows, train_rows, usable_rows
from fednode.workers.job import Job, Settings
from fednode.workers.worker import _rows as rows_of_worker
from support.documents import ROOT
from support.tiny_model import colour_rows, write_jsonl

SHARE = 0.25


def row(prompt: str, completion: str = "x", domain: str | None = None) -> Row:
    return Row(prompt, completion, domain)


def pairs(data: Any) -> list[tuple[str, str]]:
    return list(zip(data["prompt"][:], data["completion"][:], strict=True))


def config_of(folder: Path, **data: Any) -> NodeConfig:
    chain = {"rpc": ["http://127.0.0.1:9"], "chain_id": 31337, "coordinator": "0x" + "11" * 20}
    given = {"home": folder / "home", "chain": chain, "store": {"url": f"dir:{folder}/store"}, "data": data}
    return NodeConfig.model_validate(given)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = [{"prompt": f"note {number}", "completion": "xy"[number % 2]} for number in range(2000)]
    return write_jsonl(tmp_path / "d.jsonl", rows)


def test_a_row_is_on_its_side_by_its_content_alone() -> None:
    rows = [row(str(number)) for number in range(4000)]
    for share in (0.0, 0.1, 0.5, 0.9):
        held_out = sum(is_held_out(one, share) for one in rows)
        assert abs(held_out - 4000 * share) <= 4 * (4000 * share * (1 - share)) ** 0.5
    assert all(is_held_out(one, 0.5) for one in rows if is_held_out(one, 0.1)), "a larger share holds out more"
    assert [is_held_out(row(str(number)), 0.3) for number in range(8)] == [False, False, True, False] + 2 * [
        True,
        False,
    ], "anywhere"
    sides = {is_held_out(row(*texts), 0.5) for texts in (("a b", "c", "d"), (" a\tb\n", "\u3000c", None))}
    assert len(sides) == 1, "what is equal to the model is on one side"
    differing = [is_held_out(row("ab", f"c{n}"), 0.5) != is_held_out(row("a", f"bc{n}"), 0.5) for n in range(64)]
    assert any(differing), "where the prompt ends counts"


@pytest.mark.parametrize("copied", [False, True])
def test_training_and_scoring_share_no_row(
    path: Path, tmp_path: Path, copied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if copied:
        monkeypatch.setattr(table, "MOST_HELD", 1000)
        monkeypatch.setattr(table, "_BATCH", 64)
    config = config_of(tmp_path, train=path, split=SHARE)
    trained, tested = train_rows(config), scored_rows(config)
    assert tested is not None
    sides = [site_rows(config, one, None) for one in (trained, tested)]
    found = [set(pairs(one)) for one in sides]
    assert not found[0] & found[1] and found[0] | found[1] == set(pairs(load_data(path)))
    assert abs(len(sides[1]) - SHARE * 2000) < 100 and len(sides[0]) + len(sides[1]) == 2000
    assert [sides[1][index]["prompt"] for index in (0, len(sides[1]) - 1)] == [pairs(sides[1])[at][0] for at in (0, -1)]
    assert sides[0].column_names == ["prompt", "completion", "domain"]
    copies = list(config.rows.iterdir()) if config.rows.exists() else []
    assert len(copies) == copied, "one copy holds the rows of both"
    assert pairs(site_rows(config, trained, None)) == pairs(sides[0]), "from the copy, if there is one"
    if copied:
        monkeypatch.setattr(table, "rows_in", None)
        assert pairs(site_rows(config, tested, None)) == pairs(sides[1])


def test_order_and_new_rows_move_none(path: Path, tmp_path: Path) -> None:
    def held_out(file: Path) -> list[tuple[str, str]]:
        return pairs(load_data(Portion(source=file, share=SHARE, side="test")))

    before, lines = held_out(path), path.read_text().splitlines()
    Random(1).shuffle(lines)
    shuffled = tmp_path / "shuffled.jsonl"
    shuffled.write_text("\n".join(['{"prompt": "new", "completion": "z"}', *lines, *lines[:500]]) + "\n")
    assert set(held_out(shuffled)) - {("new", "z")} == set(before)
    repeated = pairs(load_data(Portion(source=shuffled, share=SHARE, side="train")))
    assert not set(repeated) & set(before), "nor does a row that stands there twice fall on both sides"


def test_both_sides_are_told_and_must_hold_rows(path: Path, tmp_path: Path) -> None:
    config = config_of(tmp_path, train=path, split=SHARE)
    [whole] = data_files(config)
    report = check_data(whole)
    assert report.ok and report.held_out is not None
    trained, tested = 2000 - report.held_out, report.held_out
    said = f"split 0.25: {trained} rows are trained on, {tested} are held out for scoring"
    assert report.lines()[1] == said and "held out for scoring" in said
    assert [file.rows for file in usable_rows(config, None)] == [2000]
    few = write_jsonl(tmp_path / "few.jsonl", colour_rows(1))
    alone = config_of(tmp_path, train=few, split=0.01)
    assert check_data(*data_files(alone)).errors() == [
        "not one row is held out for scoring: choose another [data] split, or name a file as [data] test"
    ]
    missing = scored_rows(alone)
    assert missing is not None
    with pytest.raises(DataError, match=r"of its 1 rows none is held out for scoring with \[data\] split = 0.01"):
        site_rows(alone, missing, None)
    assert check_data(path).held_out is None and "split" not in "".join(check_data(path).lines())


def test_a_file_that_is_scored_is_whole_and_labels_count(path: Path, tmp_path: Path) -> None:
    named = config_of(tmp_path, train=path, test=path)
    assert scored_rows(named) == Portion(source=path) and train_rows(named) == Portion(source=path)
    assert scored_rows(config_of(tmp_path, train=path)) is None
    labels = Columns(labels={"x": "no", "y": "yes"})
    plain, renamed = (load_data(Portion(source=path, share=SHARE, side="test"), how) for how in (Columns(), labels))
    assert set(renamed["completion"][:]) == {"no", "yes"} and plain["prompt"][:] != renamed["prompt"][:]


def test_the_site_s_own_model_is_scored_on_the_same_rows_unless_others_are_named(path: Path, tmp_path: Path) -> None:
    split = config_of(tmp_path, train=path, split=SHARE)
    assert split.has_solo_test and solo_rows(split) == scored_rows(split) == Portion(
        source=path, share=SHARE, side="test"
    )
    own = split.model_copy(update={"solo": SoloConfig(enabled=True, test=tmp_path / "own.jsonl")})
    assert solo_rows(own) == Portion(source=tmp_path / "own.jsonl")
    nothing = config_of(tmp_path, train=path)
    assert not nothing.has_solo_test and solo_rows(nothing) is None
    with pytest.raises(ValueError, match=r"set solo\.test, data\.test or data\.split"):
        NodeConfig.model_validate({**nothing.model_dump(), "solo": {"enabled": True}})


def test_workers_get_one_side_too(path: Path, tmp_path: Path) -> None:
    config = config_of(tmp_path, train=path, split=SHARE)
    settings = Settings.model_validate_json(
        Settings(model=config.model, data=config.data, rows=config.rows).model_dump_json()
    )
    job = Job.model_validate_json(Job(kind="train", rows=train_rows(config)).model_dump_json())
    assert pairs(rows_of_worker(settings, job.rows, None)) == pairs(site_rows(config, train_rows(config), None))


def test_only_one_module_knows_what_the_config_calls_its_files() -> None:
    """Whoever took the file itself would train on rows that are held out."""
    named = re.compile(r"\bdata\.(train|test)\b|\bsolo\.test\b")
    source = {
        path.name
        for folder in ("node/src", "lab/src")
        for path in (ROOT / folder).rglob("*.py")
        if named.search(path.read_text(encoding="utf-8").replace("[data] ", ""))
    }
    assert source == {"site_data.py", "node_config.py"}, "these say which rows, and whether there are any"
