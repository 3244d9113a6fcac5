"""fednode.toml."""

from __future__ import annotations

from pathlib import Path

import pytest
from fednode.config import DataConfig, load, render
from fednode.data import Columns
from fednode.data_source import HfSplit, Portion, portion
from fednode.site_data import columns_of
from fedprotocol.config import ConfigError

VALUES = {
    "rpc": ["http://127.0.0.1:1"],
    "chain_id": 5,
    "coordinator": "0x" + 40 * "1",
    "store": "dir:store",
    "peers": [],
    "keystore": "key.json",
    "train": "train.jsonl",
}


def write(folder: Path, text: str) -> Path:
    path = folder / "fednode.toml"
    path.write_text(text)
    return path


def uncommented(text: str) -> str:
    """The template with every commented-out setting switched on."""
    return "\n".join(
        line[2:] if line.startswith("# [") or (line.startswith("# ") and " = " in line.split("#")[1]) else line
        for line in text.splitlines()
    )


def test_the_template_is_a_config_whose_paths_are_relative_to_it(tmp_path: Path) -> None:
    config = load(write(tmp_path, render(**VALUES)))
    assert config.home == tmp_path / "home"
    assert config.data.train == tmp_path / "train.jsonl"
    assert config.store.url == f"dir:{tmp_path}/store"
    assert config.account.keystore == tmp_path / "key.json"
    assert config.status == tmp_path / "home/status.json"


def test_every_setting_the_template_comments_out_exists(tmp_path: Path) -> None:
    everything = load(write(tmp_path, uncommented(render(**VALUES))))
    plain = load(write(tmp_path, render(**VALUES)))
    assert everything.node == plain.node, "what is commented out is the default"
    assert everything.model.source == str(tmp_path / "model")
    assert everything.solo.test == tmp_path / "test.jsonl"
    assert everything.privacy is not None and everything.privacy.ledger == tmp_path / "privacy.sqlite"
    assert everything.private is not None and everything.private.at_least == len(everything.private.peers) == 2
    assert plain.private is None


def test_what_the_site_s_files_call_their_columns(tmp_path: Path) -> None:
    named = 'completion = "label"\nprompt = "text"\nlabels = { 0 = "no", 1 = "yes", true = "certainly" }\n'
    config = load(write(tmp_path, render(**VALUES).replace("[data]\n", f"[data]\n{named}")))
    assert columns_of(config, None) == Columns("text", "label", "domain", {"0": "no", "1": "yes", "true": "certainly"})
    assert columns_of(load(write(tmp_path, render(**VALUES))), None) == Columns()
    old = load(write(tmp_path, render(**VALUES).replace('# encoding = "cp1252"', 'encoding = "cp1252"')))
    assert columns_of(old, None) == Columns(encoding="cp1252")
    wrongs = ('labels = { 0 = "" }', "labels = { 0 = 1 }", 'prompt = ""', 'encoding = "cp-1"', 'encoding = "hex"')
    for wrong in (*wrongs, "split = 1.0", "split = -0.1", "split = nan"):
        with pytest.raises(ConfigError, match=r"data\."):
            load(write(tmp_path, render(**VALUES).replace("[data]\n", f"[data]\n{wrong}\n")))


def test_data_sets_and_a_split(tmp_path: Path) -> None:
    def data(text: str) -> DataConfig:
        return load(write(tmp_path, render(**(VALUES | {"train": "rows"})).replace('train = "rows"', text))).data

    folder, hub = data('train = "hf:./set:train"').train, data('train = "hf:org/name/small@v1:train"').train
    assert isinstance(folder, HfSplit) and isinstance(hub, HfSplit)
    assert str(folder) == f"hf:{tmp_path}/set:train", "relative to the file, as all paths"
    assert (hub.hub, hub.config, hub.revision, hub.split) == ("org/name", "small", "v1", "train")
    assert not hub.is_pinned and hub.at(40 * "0").is_pinned
    for source in (folder, hub):
        assert portion(source) == Portion.model_validate_json(portion(source).model_dump_json()), "as a worker reads it"
    assert not data('train = "a.jsonl"').has_test and data('train = "a.jsonl"\nsplit = 0.2').has_test
    for wrong, said in (
        ('train = "hf:squad"', "names no data set: write hf:org/name:split"),
        ('train = "a.jsonl"\ntest = "b.jsonl"\nsplit = 0.2', "leave one of them out"),
    ):
        with pytest.raises(ConfigError, match=said):
            data(wrong)


def test_a_hub_id_stays_one(tmp_path: Path) -> None:
    text = render(**VALUES).replace('# source = "./model"', 'source = "some/model"')
    assert load(write(tmp_path, text)).model.source == "some/model"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("chain_id = 5", "chain_id = 0", "chain.chain_id"),
        ("chain_id = 5", "", "chain.chain_id"),
        ('coordinator = "0x', 'coordinator = "1x', "chain.coordinator"),
        ('rpc = ["http', 'rpc = ["ftp', "chain.rpc"),
        ('url = "dir:store"', 'url = "s3:bucket"', "store.url"),
        ("[node]", "[node]\nstakes = 1", "node.stakes"),
        ("[node]", "[node]\nseed = -1", "node.seed"),
        ("[node]", "[node]\npropose_after = 0", "node.propose_after"),
        ("[solo]", "[solo]\nenabled = true", "solo.test"),
        ("[model]", '[model]\ndevice = "tpu"', "model.device"),
        ("[data]", "[date]", "data"),
        ("[node]", "[node", "TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = render(**VALUES)
    assert old in text
    with pytest.raises(ConfigError, match=named.replace(".", r"\.")):
        load(write(tmp_path, text.replace(old, new)))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="init"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'peers = ["0x{40 * "1"}"]', "at_least is 2, and peers names 1"),
        (f'peers = ["0x{40 * "1"}", "0x{40 * "1"}"]', "twice"),
        ("peers = []", "peers"),
        (f'peers = ["0x{40 * "1"}"]\nat_least = 0', "at_least"),
    ],
)
def test_peers_that_no_round_could_have_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(write(tmp_path, render(**VALUES) + f"\n[private]\n{text}\n"))
