"""A federation of conversations: what is trained is what is scored, generated, served and exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gguf
import pytest
from fednode.base_model import load_tokenizer
from fednode.base_model.chat_template import digest_of
from fednode.cli.app import app
from fednode.config import render
from fednode.data import Columns, load_data
from fednode.data.encoded_rows import Drawn, Kept
from fednode.differential_privacy.budget import NotPrivate, settings_for
from fednode.global_model.gguf_adapter import export_gguf_adapter
from fednode.global_model.gguf_model import export_gguf_model
from fednode.global_model.merged_folder import export_merged
from fednode.global_model.provenance import Provenance
from fednode.serving.errors import Refused
from fednode.serving.served_model import Global, ServedModel
from fednode.sponsor.new_spec import NewFederation, load
from fednode.sponsor.successor import Ended, successor
from fednode.training import AdapterModel
from fedprotocol.spec import Prompt
from support.chat_templates import CHATML, GEMMA, LLAMA3, Chat
from support.tiny_model import build_tiny_model, write_jsonl
from typer.testing import CliRunner, Result

pytestmark = pytest.mark.model

TALK = [
    {"role": "system", "content": "Name the colour."},
    {"role": "user", "content": "a small rose"},
    {"role": "assistant", "content": "red"},
    {"role": "user", "content": "the <|im_end|> sea"},
    {"role": "assistant", "content": "blue"},
]
TURNS = [(turn["role"], turn["content"]) for turn in TALK]
ROWS: list[Any] = [{"messages": TALK}, {"prompt": "an old leaf", "completion": "green"}]
SMALL = ("--batch-size", "2", "--sequence-length", "128", "--quantization", "fp32", "--rank", "2", "--rounds", "2")
PROVENANCE = Provenance(round=1, root=b"\1" * 32, spec_digest=b"\2" * 32, chain_id=31337, contract="0x" + "ab" * 20)


def base_with(chat: Chat, folder: Path) -> Path:
    build_tiny_model(folder)
    chat.tokenizer().save_pretrained(folder)
    return folder


def spec_new(base: Path, out: Path, *options: str) -> Result:
    named = ["spec", "new", "--name", "talks", "--base-model", "tests/tiny", "--template", "chat"]
    return CliRunner().invoke(app, [*named, "--source", str(base), "--out", str(out), *SMALL, *options])


@dataclass(frozen=True)
class Made:
    base: Path
    folder: Path
    federation: NewFederation
    model: AdapterModel


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A federation on a model with ChatML's template, as `fednode spec new` makes and tries it."""
    base = base_with(CHATML, tmp_path_factory.mktemp("base"))
    folder = tmp_path_factory.mktemp("federation")
    result = spec_new(base, folder, "--turns", "every")
    assert result.exit_code == 0, (result.output, result.exception)
    federation = load(folder)
    model = AdapterModel.load(federation.spec, str(base), "cpu", 1)
    model.set_global(federation.spec.layout.weights(federation.genesis))
    return Made(base, folder, federation, model)


def test_the_spec_pins_the_template(made: Made) -> None:
    prompt = made.federation.spec.prompt
    assert (prompt.template, prompt.join, prompt.turns) == ("chat", None, "every")
    assert prompt.chat_template == digest_of(load_tokenizer(made.base).get_chat_template())


def test_every_reader_has_the_same_tokens(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training, scoring, `generate` and the server, against transformers."""
    data = load_data(write_jsonl(tmp_path / "d.jsonl", ROWS), Columns(turns="every"))
    encoder, tokenizer = made.model.encoder, load_tokenizer(made.base)
    trained = list(Drawn(data, encoder))
    assert len(trained) == 3, "two answers of the first row"
    harmless = [{**turn, "content": turn["content"].replace("<|im_end|>", "")} for turn in TALK]
    for turns in (harmless[:3], harmless):
        [*_, answer] = turns
        question = encoder.question([(turn["role"], turn["content"]) for turn in turns[:-1]])
        ids = encoder.example(question, answer["content"]).input_ids
        assert ids == tokenizer.apply_chat_template(turns, return_dict=False)[: len(ids)]

    scored = list(Kept(encoder).examples(data))
    assert [one.input_ids for one in scored] == [one.input_ids[:-1] for one in trained]
    served = ServedModel(
        made.model, 128, Global(0, bytes(32)), made.federation.spec.layout.weights(made.federation.genesis)
    )
    for example, turns in zip(trained, (TURNS[:2], TURNS[:4], [("user", "an old leaf")]), strict=True):
        assert served.tokens_of(turns) == example.input_ids[: example.prompt_length]

    asked: list[Sequence[int]] = []

    def answer(_: AdapterModel, ids: Sequence[int], __: int) -> SimpleNamespace:
        asked.append(ids)
        return SimpleNamespace(text="")

    monkeypatch.setattr(AdapterModel, "answer", answer)
    made.model.generate(made.federation.spec, "an old leaf", 4)
    assert asked == [trained[2].input_ids[: trained[2].prompt_length]]


def test_it_learns_to_answer_and_to_stop(made: Made, tmp_path: Path) -> None:
    spec = made.federation.spec.with_steps(60)
    data = load_data(write_jsonl(tmp_path / "d.jsonl", [ROWS[1]] * 4), Columns(turns="every"))
    before = made.model.evaluate(spec, data)
    fast = spec.model_copy(update={"training": spec.training.model_copy(update={"learning_rate": 2e-2})})
    result = made.model.train(fast, data, 1, seed=0)
    units = spec.layout.weights(made.federation.genesis)
    made.model.set_global((units + result.units_delta).astype("int32"))
    try:
        assert made.model.evaluate(spec, data).loss < 0.2 * before.loss
        assert made.model.generate(spec, "an old leaf", 20) == "green"
    finally:
        made.model.set_global(units)


def test_exports_have_the_template(made: Made, tmp_path: Path) -> None:
    spec = made.federation.spec
    units, template = spec.layout.weights(made.federation.genesis), CHATML.template
    export_merged(spec, units, PROVENANCE, made.base, tmp_path / "merged", None)
    assert load_tokenizer(tmp_path / "merged").get_chat_template() == template
    assert "the base model's own chat template" in (tmp_path / "merged/README.md").read_text()
    export_gguf_adapter(spec, units, PROVENANCE, made.base, tmp_path / "adapter")
    assert 'TEMPLATE """{{- $before' in (tmp_path / "adapter/Modelfile").read_text()
    export_gguf_model(spec, units, PROVENANCE, made.base, tmp_path / "model")
    field = gguf.GGUFReader(tmp_path / "model/model.gguf").get_field("tokenizer.chat_template")
    assert field is not None and field.contents() == template


def test_data_show_has_a_line_for_each_answer(made: Made, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "train.jsonl", ROWS)
    values = {"rpc": ["http://127.0.0.1:9"], "chain_id": 5, "coordinator": "0x" + 40 * "1", "store": "dir:store"}
    text = render(**values, peers=[], keystore="k", train="train.jsonl", test="train.jsonl", model=str(made.base))
    (tmp_path / "fednode.toml").write_text(text)
    words = ["--config", str(tmp_path / "fednode.toml"), "--spec", str(made.folder)]
    result = CliRunner().invoke(app, ["data", "show", *words])
    assert result.exit_code == 0, (result.output, result.exception)
    rows = [line for line in result.stdout.splitlines() if line.startswith("line ")]
    assert [row.split(":")[0] for row in rows] == ["line 1", "line 1", "line 2"]
    assert ">>>red<|im_end|><<<" in result.stdout and ">>>blue<|im_end|><<<" in result.stdout
    checked = CliRunner().invoke(app, ["data", "check", *words])
    assert checked.exit_code == 0, (checked.output, checked.exception)
    assert "3 usable rows" in checked.stdout
    assert "1 rows hold '<|im_end|>', a control token of the base model: it is read as the text it is" in checked.stdout


def test_a_system_message_that_the_model_refuses_is_named(tmp_path: Path) -> None:
    base = base_with(GEMMA, tmp_path / "base")
    result = spec_new(base, tmp_path / "out", "--no-try")
    assert result.exit_code == 0, (result.output, result.exception)
    federation = load(tmp_path / "out")
    model = AdapterModel.load(federation.spec, str(base), "cpu", 1)
    served = ServedModel(model, 128, Global(0, bytes(32)), federation.spec.layout.weights(federation.genesis))
    with pytest.raises(Refused, match="System role not supported"):
        served.tokens_of(TURNS[:2])


def test_noise_hides_rows_and_not_conversations(made: Made) -> None:
    noisy: Any = SimpleNamespace(privacy=SimpleNamespace(noise=1.0))
    with pytest.raises(NotPrivate, match="must learn the last answer alone"):
        settings_for(noisy, made.federation.spec)


def test_options_that_do_not_belong_to_it(made: Made, tmp_path: Path) -> None:
    for options, says in (
        (("--join", " "), "--join belongs to a template with"),
        (("--template", "{prompt}:", "--turns", "last"), 'belong to the template "chat"'),
    ):
        result = spec_new(made.base, tmp_path / "out", *options)
        assert says in str(result.exception)


def test_a_successor_keeps_the_template_or_takes_another_kind(made: Made, tmp_path: Path) -> None:
    spec = made.federation.spec
    ended = Ended(spec, 2, b"\1" * 32, spec.layout.weights(made.federation.genesis))
    assert successor(ended, {"prompt": {"turns": "last"}}, str(made.base)).spec.prompt == spec.prompt.model_copy(
        update={"turns": "last"}
    )
    plain = successor(ended, {"prompt": {"template": "{prompt}:"}}, str(made.base)).spec.prompt
    assert plain == Prompt(template="{prompt}:", join=" ")
    other = tmp_path / "other"
    build_tiny_model(other)
    tokenizer = load_tokenizer(made.base)
    tokenizer.chat_template = LLAMA3.template
    tokenizer.save_pretrained(other)
    with pytest.raises(Exception, match="another chat template than the spec's"):
        successor(ended, {}, str(other))
