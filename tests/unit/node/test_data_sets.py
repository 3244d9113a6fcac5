"""Data sets that the `datasets` library reads: folders here, and the hub's, at one commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest
from fednode.config import NodeConfig
from fednode.data import Columns, DataError, check_data, load_data, read_rows
from fednode.data.hf_folder import folder_of, pinned
from fednode.data_source import HfSplit, Portion, portion
from fednode.site_data import data_files, kept_commits, scored_rows, site_rows, train_rows, usable_rows
from support.hub import COMMIT, hub

FEATURES = datasets.Features(
    {
        "id": datasets.Value("int64"),
        "input": {"text": datasets.Value("string")},
        "label": datasets.ClassLabel(names=["no", "yes"]),
        "image": datasets.Value("binary"),
    }
)
COLUMNS = Columns("input.text", "label")
WANTED = [(f"note {number}", ("no", "yes")[number % 2]) for number in range(40)]
NAME = "clinic/notes"
pytestmark = pytest.mark.model  # the library loads torch for what it streams


def rows(labels: list[int] | None = None) -> datasets.Dataset:
    count = 40
    given = {
        "id": range(count),
        "input": [{"text": f"note {number}"} for number in range(count)],
        "label": labels or [number % 2 for number in range(count)],
        "image": [b"\xff"] * count,
    }
    return datasets.Dataset.from_dict(given, features=FEATURES)


def named(folder: Path, split: str | None = "train") -> HfSplit:
    return HfSplit(folder=folder, split=split)


def texts(source: HfSplit | Portion, columns: Columns = COLUMNS) -> list[tuple[str, str]]:
    table = read_rows(source, columns)
    assert not table.problems, table.problems
    return [(row.prompt, row.completion) for row in table.rows]


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library's own cache, empty."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets-cache")
    return tmp_path / "datasets-cache"


def test_splits_as_save_to_disk_and_others_leave_them(tmp_path: Path, library: Path) -> None:
    rows().save_to_disk(tmp_path / "one")
    datasets.DatasetDict(train=rows(), test=rows().select(range(3))).save_to_disk(tmp_path / "both")
    (tmp_path / "files").mkdir()
    rows().to_parquet(tmp_path / "files/train-00000-of-00001.parquet")
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines/train.jsonl").write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "c", "x": 1}\n')
    for source in (named(tmp_path / "one", None), named(tmp_path / "both"), named(tmp_path / "files")):
        report = check_data(source, columns=COLUMNS)
        assert texts(source) == WANTED and report.ok and report.unit == "row"
        assert report.lines()[1] == "label holds numbers of classes, which the data themselves name: 0 = no, 1 = yes"
        assert load_data(source, COLUMNS)["completion"][:] == [answer for _, answer in WANTED]
    assert len(texts(named(tmp_path / "both", "test"))) == 3
    assert str(read_rows(named(tmp_path / "lines")).problems[0]) == "row 2: has no completion"
    left = [file for file in library.rglob("*") if file.is_file() and file.stat().st_size]
    assert not left, "nothing of a site's rows is left in another program's cache"


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    datasets.DatasetDict(train=rows(), test=rows()).save_to_disk(tmp_path / "both")
    for folder in ("bad", "empty", "code"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bad/train.jsonl").write_text('{"prompt": "a", "completion": "b"}\n{oops\n')
    (tmp_path / "code/code.py").write_text("raise SystemExit\n")
    for source, said in (
        (named(tmp_path / "both", None), r"say which split is meant; there are :train, :test"),
        (named(tmp_path / "both", "dev"), r"there are :train, :test"),
        (named(tmp_path / "none"), "there is no folder"),
        (named(tmp_path / "empty"), "cannot be read by the `datasets` library: .*doesn't contain any data files"),
        (named(tmp_path / "code"), "cannot be read by the `datasets` library: Dataset scripts are no longer supported"),
    ):
        with pytest.raises(DataError, match=said):
            read_rows(source)
    [problem] = read_rows(named(tmp_path / "bad")).problems
    assert str(problem).startswith("row 1: cannot be read, nor can what comes after it: ")
    with pytest.raises(DataError, match="column label holds int64, not text"):
        rows().cast_column("label", datasets.Value("int64")).save_to_disk(tmp_path / "plain")
        read_rows(named(tmp_path / "plain", None), COLUMNS)
    rows([0, 1, -1, *37 * [0]]).save_to_disk(tmp_path / "unlabelled")
    assert "no label names: “-1”" in str(read_rows(named(tmp_path / "unlabelled", None), COLUMNS).problems[0])


def config_of(folder: Path, **data: Any) -> NodeConfig:
    chain = {"rpc": ["http://127.0.0.1:9"], "chain_id": 31337, "coordinator": "0x" + "11" * 20}
    columns = {"prompt": "input.text", "completion": "label"}
    given = {"home": folder / "home", "chain": chain, "store": {"url": f"dir:{folder}/store"}, "data": columns | data}
    return NodeConfig.model_validate(given)


def test_a_data_set_is_split_copied_and_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fednode.data.table.MOST_HELD", 10)
    monkeypatch.setattr("fednode.data.table._BATCH", 8)
    rows().save_to_disk(tmp_path / "set")
    config = config_of(tmp_path, train=f"hf:{tmp_path}/set", split=0.3)
    held_out = scored_rows(config)
    assert held_out is not None
    sides = [site_rows(config, side, None)["prompt"][:] for side in (train_rows(config), held_out)]
    assert sorted(sides[0] + sides[1]) == sorted(prompt for prompt, _ in WANTED) and all(sides)
    [copy] = config.rows.iterdir()
    assert [file.rows for file in usable_rows(config, None)] == [40] and copy.exists()
    datasets.concatenate_datasets([rows(), rows()]).save_to_disk(tmp_path / "set")
    assert [file.rows for file in usable_rows(config, None)] == [80] and not copy.exists()


def files() -> dict[str, bytes]:
    import io

    table = io.BytesIO()
    rows().to_parquet(table)
    card = "configs:\n- config_name: small\n  data_files:\n  - {split: train, path: small/*}\n"
    card += "- config_name: large\n  data_files:\n  - {split: train, path: large/*}\n"
    return {
        "README.md": f"---\n{card}---\n".encode(),
        "small/train.parquet": table.getvalue(),
        "large/train.parquet": b"much",
        "notes.py": b"raise SystemExit\n",
    }


def test_the_hubs_data_set_is_pinned_fetched_once_and_then_needs_no_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(tmp_path, train=f"hf:{NAME}/small:train")
    with hub(monkeypatch, tmp_path / "cache", NAME, files(), "datasets") as serving:
        [found] = data_files(config)
        assert str(found) == f"hf:{NAME}/small@{COMMIT}:train" in "\n".join(check_data(found, columns=COLUMNS).lines())
        assert texts(found) == WANTED
        assert sorted(serving.fetched) == ["README.md", "small/train.parquet"], "other configs are left where they are"
        assert config.commits.stat().st_mode & 0o077 == 0
        serving.commit = 40 * "f"
        assert data_files(config) == [found], "a later commit is another decision"
        [said] = kept_commits(config)
        assert f"hf:{NAME}/small:train names no commit: hf:{NAME}/small@{COMMIT}:train was its newest" in said
        assert str(pinned(HfSplit(hub=NAME))) == f"hf:{NAME}@{40 * 'f'}"
        newest = HfSplit(hub=NAME, config="small", split="train")
        assert (
            f"its newest commit is {40 * 'f'}; hf:…@{40 * 'f'} names it" in check_data(newest, columns=COLUMNS).lines()
        )
    assert data_files(config) == [found] and texts(found) == WANTED
    config.commits.unlink()
    with pytest.raises(DataError, match=f"hf:{NAME}/small:train cannot be fetched: the hub cannot be reached: "):
        data_files(config)


def test_what_a_stopped_download_left_is_not_taken_for_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = HfSplit(hub=NAME, config="small", revision=COMMIT, split="train")
    with hub(monkeypatch, tmp_path / "cache", NAME, files(), "datasets"):
        folder = folder_of(source)
        assert texts(source) == WANTED
    for mark in (tmp_path / "cache").rglob("whole-*"):
        mark.unlink()
    assert (folder / "small/train.parquet").is_file()
    with pytest.raises(DataError, match=r"cannot be fetched: the hub cannot be reached: .*; or name a folder"):
        texts(source)
    with (
        hub(monkeypatch, tmp_path / "cache", "other/name", {}, "datasets"),
        pytest.raises(DataError, match="no data set of"),
    ):
        folder_of(HfSplit(hub=NAME))
    assert portion(source).name == "clinic/notes:train"
