"""What is fetched from the hub, by huggingface_hub's own client from a stand-in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fednode.base_model import (
    BaseModelMissing,
    BaseModelPartial,
    check_model,
    commit_of,
    identity_of,
    load_base,
    load_tokenizer,
    locate,
)
from fedprotocol.spec import Quantization
from support.hub import COMMIT, hub
from support.tiny_families import build_family

pytestmark = pytest.mark.model

FP32 = Quantization(kind="fp32", double_quant=False, compute_dtype="fp32")
NAME = "somebody/tiny"
NEEDLESS = (
    *("README.md", "model.fp16.safetensors", "consolidated.safetensors", "pytorch_model.bin", "tokenizer.py"),
    *("original/params.json", "original/tokenizer.model", "original/consolidated.00.pth", "onnx/model.onnx"),
    *("onnx/tokenizer.json", "checkpoint-10/model.safetensors", "checkpoint-10/config.json", "runs/events.1"),
    *("generation_config.json", "trainer_state.json", "pytorch_model.bin.index.json", "model.gguf"),
)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def forget(file: Path) -> None:
    """In the cache a file is a link to its content."""
    file.resolve().unlink()
    file.unlink()


@pytest.fixture(scope="module")
def sharded(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("sharded")
    load_base(tiny_folder, FP32, "cpu").save_pretrained(folder, max_shard_size="100KB")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_folder / file, folder)
    files = contents(folder)
    assert len([name for name in files if name.endswith(".safetensors")]) > 2
    return files


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the files that its tokenizer was published as; and one more, of which only its config knows."""
    folder = build_family(tmp_path_factory.mktemp("gpt2") / "gpt2", "gpt2")
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in model["merges"]))
    end = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|end|>")
    settings = {"tokenizer_class": "GPT2Tokenizer", **end, "some_file": "more of it"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "more of it").write_text("more")
    return folder


def test_all_that_is_needed_and_nothing_else(
    tiny_folder: Path, sharded: dict[str, bytes], gpt2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, files in ((tiny_folder, contents(tiny_folder)), (tiny_folder, sharded), (gpt2, contents(gpt2))):
        cache = tmp_path / str(len(files))
        with hub(monkeypatch, cache, NAME, dict.fromkeys(NEEDLESS, b"{}") | files) as serving:
            there = locate(NAME, COMMIT)
            assert commit_of(there) == COMMIT
            wanted = files.keys() - {"generation_config.json"}
            assert sorted(serving.fetched) == sorted(wanted) == sorted(path.name for path in there.iterdir())
            assert locate(NAME, COMMIT) == locate(NAME) == there == locate(NAME, COMMIT, fetch=False)
            assert len(serving.fetched) == len(wanted)
        check_model(identity_of(folder).named("x", None), there)
    assert load_tokenizer(there)("Thing: a rose")["input_ids"] == load_tokenizer(gpt2)("Thing: a rose")["input_ids"]


def test_a_single_file_comes_before_the_shards(
    tiny_folder: Path, sharded: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub(monkeypatch, tmp_path, NAME, sharded | contents(tiny_folder)) as serving:
        locate(NAME)
        assert [name for name in serving.fetched if ".safetensors" in name] == ["model.safetensors"]


@pytest.mark.parametrize("gone", ["config.json", "tokenizer.json", "a shard", "model.safetensors.index.json"])
def test_a_part_is_completed_and_else_told(
    sharded: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """A download was interrupted, or another program fetched what it needed."""
    file = sorted(name for name in sharded if name.endswith(".safetensors"))[1] if gone == "a shard" else gone
    with hub(monkeypatch, tmp_path, NAME, sharded) as serving:
        folder = locate(NAME, COMMIT)
        forget(folder / file)
        shutil.rmtree(folder.parents[1] / "trees", ignore_errors=True)  # an older client kept no list of what there is
        said = "model.safetensors" if file.endswith("index.json") else file
        with pytest.raises(BaseModelPartial, match=f"{said} is missing; `fednode run` fetches the rest"):
            locate(NAME, COMMIT, fetch=False)
        serving.fetched.clear()
        assert locate(NAME, COMMIT) == folder and serving.fetched == [file]
        forget(folder / file)
    with pytest.raises(BaseModelMissing, match=r"cannot be fetched from the hub: \w+: .*\[model\] source"):
        locate(NAME, COMMIT)


def test_no_hub_no_model_no_safetensors(
    sharded: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pickles = {"config.json": b"{}", "pytorch_model.bin": b"", "original/model.safetensors": b""}
    with hub(monkeypatch, tmp_path / "pickles", NAME, pickles) as serving:
        with pytest.raises(BaseModelMissing, match="no safetensors of it, only pickles, which are never read"):
            locate(NAME)
        with pytest.raises(BaseModelMissing, match="none of that name"):
            locate("nobody/nothing")
        assert serving.fetched == []
        with pytest.raises(BaseModelMissing, match="neither a folder here nor in the hub's cache"):
            locate(NAME, fetch=False)
    with hub(monkeypatch, tmp_path / "cache", NAME, sharded):
        whole = locate(NAME)
    assert locate(NAME, COMMIT) == whole == locate(NAME), "the hub is gone, the cache is whole"
