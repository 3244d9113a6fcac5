"""A site's data files, as doctor and a starting node look at them, and the spec that they are compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fednode.config import NodeConfig
from fednode.data import DataError, check_data
from fednode.session import Session
from fednode.site_data import columns_of, site_rows, spec_if_known, train_rows, usable_data, usable_rows
from fedprotocol.spec import Evaluation, Prompt, Spec, dump_spec
from support.tiny_model import CLASSES, TEMPLATE, colour_rows, write_jsonl
from support.tiny_spec import tiny_spec

pytestmark = pytest.mark.model


@pytest.fixture
def spec(tiny_folder: Path) -> Spec:
    made, _ = tiny_spec(tiny_folder, "fp32", evaluation=Evaluation(classes=tuple(map(str.strip, CLASSES))))
    return made.model_copy(update={"prompt": Prompt(template=TEMPLATE, join=" ")})


def config_of(folder: Path, source: Path, **data: Any) -> NodeConfig:
    return NodeConfig.model_validate(
        {
            "home": folder,
            "chain": {"rpc": ["http://127.0.0.1:9"], "chain_id": 31337, "coordinator": "0x" + "11" * 20},
            "store": {"url": f"dir:{folder}/store"},
            "model": {"source": str(source)},
            "data": data,
        }
    )


def test_every_file_must_hold_the_spec_s_classes(tiny_folder: Path, tmp_path: Path, spec: Spec) -> None:
    good = write_jsonl(tmp_path / "good.jsonl", colour_rows(8))
    bad = write_jsonl(tmp_path / "bad.jsonl", [{"prompt": "x", "completion": "Red"}])
    [report] = usable_data(config_of(tmp_path, tiny_folder, train=good, test=good), spec)
    assert report.usable == 8 and report.encoded is not None
    for files in ({"train": bad}, {"train": good, "test": bad}):
        with pytest.raises(DataError, match=r"bad\.jsonl:\n1 answer is none of the spec's classes") as caught:
            usable_data(config_of(tmp_path, tiny_folder, **files), spec)
        assert "'Red' is the class 'red' but for its capitals (line 1)" in str(caught.value)
        assert "usable rows" not in str(caught.value), "what is wrong, and no more"


def test_an_answer_that_does_not_fit_stops_a_node_too(tiny_folder: Path, tmp_path: Path, spec: Spec) -> None:
    free = spec.model_copy(update={"evaluation": Evaluation(classes=None)})
    long = write_jsonl(tmp_path / "long.jsonl", [{"prompt": "x", "completion": "y z " * 99}])
    with pytest.raises(DataError, match="1 answers are longer than the"):
        usable_data(config_of(tmp_path, tiny_folder, train=long), free)
    elsewhere = config_of(tmp_path, tmp_path / "nowhere", train=long)
    assert usable_data(elsewhere, free)[0].encoded is None, "before the base model is here"


def test_columns_of_the_config_hold_for_all_its_files(tiny_folder: Path, tmp_path: Path, spec: Spec) -> None:
    (tmp_path / "d.csv").write_text("text;label\na rose;0\nthe sea;1\n")
    named = {"prompt": "text", "completion": "label", "labels": {"0": "red", "1": "blue"}}
    config = config_of(tmp_path, tiny_folder, train=tmp_path / "d.csv", **named)
    assert usable_data(config, spec)[0].answers.counts["blue"] == 1
    assert columns_of(config, None).labels == named["labels"]


def test_without_a_chain_the_spec_is_the_one_last_had(tmp_path: Path, spec: Spec, monkeypatch: Any) -> None:
    config = config_of(tmp_path, tmp_path, train=tmp_path / "d.jsonl")
    with Session(config) as session:
        assert spec_if_known(session) is None, "nobody answers at port 9"
        monkeypatch.setattr(Session, "coordinator", None)
        monkeypatch.setattr("fedaggregator.compute.spec.spec_of", lambda *_: spec)
        assert session.spec == spec
    monkeypatch.undo()
    assert config.known_spec.read_bytes() == dump_spec(spec)
    with Session(config) as session:
        assert spec_if_known(session) == spec
    config.known_spec.write_text("{}")
    with Session(config) as session:
        assert spec_if_known(session) is None


def test_a_file_that_was_found_right_is_not_judged_again(
    tiny_folder: Path, tmp_path: Path, spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []

    def counted(path: Path, *rest: Any) -> Any:
        judged.append(path.name)
        return check_data(path, *rest)

    def seen(config: NodeConfig, spec: Spec | None) -> tuple[list[int], list[str]]:
        judged.clear()
        return [file.rows for file in usable_rows(config, spec)], list(judged)

    monkeypatch.setattr("fednode.site_data.check_data", counted)
    train, test = (write_jsonl(tmp_path / name, colour_rows(8)) for name in ("train.jsonl", "test.jsonl"))
    config = config_of(tmp_path, tiny_folder, train=train, test=test)
    elsewhere = config_of(tmp_path, tmp_path / "nowhere", train=train, test=test)
    both = ["train.jsonl", "test.jsonl"]
    assert seen(elsewhere, spec) == ([8, 8], both)
    assert seen(config, spec) == ([8, 8], both), "the tokenizer was not here before"
    assert seen(config, spec) == seen(elsewhere, spec) == ([8, 8], [])
    write_jsonl(test, colour_rows(9))
    assert seen(config, spec) == ([8, 9], ["test.jsonl"]), "another content"
    other = spec.model_copy(update={"prompt": Prompt(template="Colour of {prompt}:", join=" ")})
    assert seen(config, other) == ([8, 9], both), "another spec"
    assert seen(config, other) == ([8, 9], [])
    assert seen(config, None) == ([8, 9], both), "without a spec, and that is no verdict"
    assert seen(config, other) == ([8, 9], [])
    write_jsonl(train, [{"prompt": "x", "completion": "Red"}])
    for _ in range(2):
        with pytest.raises(DataError, match="none of the spec's classes"):
            usable_rows(config, spec)
    [verdict] = [file for file in config.rows.iterdir() if b'"rows": 9' in file.read_bytes()]
    verdict.write_text("[]")
    write_jsonl(train, colour_rows(8))
    assert seen(config, spec)[0] == [8, 9], "a verdict that cannot be read is none"


def test_rows_of_a_large_file_are_kept_as_long_as_the_config_names_it(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fednode.data.table.MOST_HELD", 1000)
    train, other = (write_jsonl(tmp_path / f"{name}.jsonl", colour_rows(5000)) for name in ("train", "other"))
    config = config_of(tmp_path, tiny_folder, train=train)
    assert len(site_rows(config, train_rows(config), None)) == 5000
    [copy] = config.rows.iterdir()
    site_rows(config, train_rows(config), None)
    assert list(config.rows.iterdir()) == [copy]
    usable_rows(config, None)
    assert copy.exists()
    write_jsonl(train, colour_rows(4500))
    usable_rows(config, None)
    assert not copy.exists(), "as soon as a node or doctor starts again"
    site_rows(config, train_rows(config), None)
    [copy] = config.rows.iterdir()
    changed = config_of(tmp_path, tiny_folder, train=other)
    site_rows(changed, train_rows(changed), None)
    assert len(list(config.rows.iterdir())) == 1 and not copy.exists()
