"""At the borders to transformers, tokenizers, safetensors, gguf, peft and the hub: their exceptions become ours."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from fednode.base_model import (
    BaseModelError,
    convert_gguf,
    identity_of,
    load_base,
    load_skeleton,
    load_tokenizer,
    locate,
    tokenizer_needs,
    weights_digest,
)
from fednode.base_model.digest import tensors_digest
from fednode.base_model.load import tensor_files
from fednode.cli.app import app
from fednode.training import new_adapter
from fedprotocol.errors import FedError
from fedprotocol.printable import paragraph
from fedprotocol.program.terminal import run_program
from fedprotocol.spec import Quantization
from support.tiny_gguf import write_gguf
from support.tiny_spec import LORA

pytestmark = pytest.mark.model

FP32 = Quantization(kind="fp32", double_quant=False, compute_dtype="fp32")


class PanicException(BaseException):
    """As Rust's panics come out of tokenizers and safetensors: no Exception."""


EXCEPTIONS = (
    Exception("why it is wrong\n" * 100),
    KeyError("model_type"),
    PanicException("called `Option::unwrap()` on a `None` value"),
    ImportError(""),
)
LIBRARIES = {
    "transformers.AutoConfig.from_pretrained": identity_of,
    "transformers.AutoModelForCausalLM.from_config": load_skeleton,
    "transformers.AutoModelForCausalLM.from_pretrained": lambda folder: load_base(folder, FP32, "cpu"),
    "transformers.AutoTokenizer.from_pretrained": load_tokenizer,
    "transformers.PreTrainedTokenizerBase.__call__": identity_of,
    "transformers.TokenizersBackend.get_vocab": identity_of,
    "transformers.LlamaConfig.to_dict": identity_of,
    "safetensors.safe_open": weights_digest,
    "peft.get_peft_model": lambda folder: new_adapter(LORA, str(folder), 0),
}
IN_CONVERSION = (
    "gguf.GGUFReader",
    "transformers.AutoModelForCausalLM.from_pretrained",
    "transformers.AutoTokenizer.from_pretrained",
    "transformers.PreTrainedModel.save_pretrained",
)


def raising(error: BaseException) -> Callable[..., Any]:
    def call(*_: Any, **__: Any) -> Any:
        raise error

    return call


def refusal(call: Callable[[], object]) -> str:
    """What it is refused with: one of our errors, in a line or two."""
    with pytest.raises(FedError) as caught:
        call()
    said = str(caught.value)
    assert paragraph(said).count("\n") < 2 and len(said) < 900, said
    return said


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_weights_that_may_not_be_read_are_not_said_to_be_missing(tiny_folder: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(tiny_folder, folder / "model")
        (folder / "model").chmod(0o755)
        (folder / "model/model.safetensors").chmod(0)
        with as_nobody(), pytest.raises(BaseModelError, match=r"model\.safetensors may not be read by this account"):
            tensor_files(folder / "model")


@pytest.mark.parametrize("error", EXCEPTIONS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", LIBRARIES)
def test_whatever_a_library_raises(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException
) -> None:
    monkeypatch.setattr(name, raising(error))
    call = cast(Callable[[Path], object], LIBRARIES[name])
    assert (str(error).strip().partition("\n")[0] or "ImportError") in refusal(lambda: call(tiny_folder))
    monkeypatch.setattr(name, raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        call(tiny_folder)


@pytest.mark.parametrize("error", EXCEPTIONS, ids=lambda error: type(error).__name__)
def test_weights_that_can_be_opened_once(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    files = tensor_files(tiny_folder)
    monkeypatch.setattr("safetensors.safe_open", raising(error))
    assert "fetch the model again" in refusal(lambda: tensors_digest(files, {}))


@pytest.mark.parametrize("error", EXCEPTIONS, ids=lambda error: type(error).__name__)
def test_whatever_is_raised_while_a_gguf_is_converted(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = write_gguf(tiny_folder, tmp_path / "tiny.gguf")
    for name in IN_CONVERSION:
        with monkeypatch.context() as patch:
            patch.setattr(name, raising(error))
            assert "this GGUF cannot be converted" in refusal(partial(convert_gguf, path, tmp_path / "folder"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["tiny.gguf"]


@pytest.mark.parametrize("name", ["huggingface_hub.HfApi.model_info", "huggingface_hub.snapshot_download"])
def test_whatever_the_hubs_client_raises(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for error in (error for error in EXCEPTIONS if isinstance(error, Exception)):
        monkeypatch.setattr("huggingface_hub.snapshot_download", raising(error))
        monkeypatch.setattr(name, raising(error))
        assert "[model] source" in refusal(lambda: locate("somebody/something"))
        assert "[model] source" in refusal(lambda: locate("somebody/something", fetch=False))


def changed(folder: Path, to: Path, file: str, **settings: object) -> Path:
    shutil.copytree(folder, to)
    (to / file).write_text(json.dumps({**json.loads((to / file).read_text()), **settings}))
    return to


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"model_type": "t5", "is_encoder_decoder": True}, "type t5 is an encoder with a decoder; only one that"),
        ({"model_type": "bart", "is_encoder_decoder": True}, "type bart is an encoder with a decoder; only one that"),
        ({"model_type": "vit"}, "type vit is of another task; only one that continues a text"),
        ({"model_type": "of tomorrow"}, "model type `of tomorrow`"),
        ({"hidden_size": "wide"}, "expected int, got str"),
        ({"num_attention_heads": 0}, "modulo by zero"),
        ({"hidden_act": "nonesuch"}, "nonesuch"),
        ({"auto_map": {"AutoConfig": "evil.C"}, "model_type": "evil"}, "code of its own, which is never run"),
    ],
)
def test_configs_of_other_models_and_of_none(
    tiny_folder: Path, tmp_path: Path, settings: dict[str, Any], says: str
) -> None:
    folder = changed(tiny_folder, tmp_path / "folder", "config.json", **settings)
    assert says in refusal(lambda: load_base(folder, FP32, "cpu"))
    assert says in refusal(lambda: identity_of(folder))


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [b'{"a": ', b"", b"[]", b"3", b"\xff\xfe{\x00}\x00", b"{}"])
def test_json_that_is_broken_or_another(tiny_folder: Path, tmp_path: Path, file: str, content: bytes) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "folder"))
    (folder / file).write_bytes(content)
    refusal(lambda: identity_of(folder))


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("tokenizer.model", b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02", "pip install sentencepiece protobuf"),
        ("spiece.model", b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02", "pip install sentencepiece protobuf"),
        ("tokenizer.model", b"IQ== 0\nIg== 1\n", "tiktoken file, which cannot be read without other packages: pip"),
        ("notes.txt", b"none", "none of its files is a tokenizer's (tokenizer.json and the like)"),
    ],
)
def test_a_tokenizer_that_needs_a_package_names_the_right_one(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, content: bytes, says: str
) -> None:
    """transformers asks for tiktoken, whatever the file is."""
    monkeypatch.setattr(tokenizer_needs, "find_spec", lambda _: None)
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "folder"))
    (folder / "tokenizer.json").unlink()
    (folder / file).write_bytes(content)
    assert says in refusal(lambda: load_tokenizer(folder))


@pytest.mark.parametrize(
    "settings", [{"early_stopping": "long ago"}, {"max_new_tokens": -1}, {"cache_implementation": "of old"}]
)
def test_what_an_old_generation_config_says_is_not_asked(
    tiny_folder: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """A newer transformers refuses it; and none of it would be used."""
    folder = changed(tiny_folder, tmp_path / "folder", "generation_config.json", repetition_penalty=9.0, **settings)
    assert load_base(folder, FP32, "cpu").generation_config.repetition_penalty is None


@pytest.mark.usefixtures("process_as_before")
def test_a_command_says_it_in_one_line(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = changed(tiny_folder, tmp_path / "t5", "config.json", model_type="t5", is_encoder_decoder=True)
    words = ["--name=x", "--base-model=x", "--template={prompt}", "--rounds=1", f"--out={tmp_path}"]
    monkeypatch.setattr(sys, "argv", ["fednode", "spec", "new", f"--source={folder}", *words])
    with pytest.raises(SystemExit) as ended:
        run_program(app)
    said = capsys.readouterr().err.splitlines()
    assert ended.value.code == BaseModelError.exit_code and len(said) == 1 and said[0].startswith("error: "), said
