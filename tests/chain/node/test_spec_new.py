"""`fednode spec new` and `spec try`: what no node can serve is never written, and is told in the names of options."""

from __future__ import annotations

import json
import shlex
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from fednode.cli.spec import app
from fednode.cli.spec_options import OPTIONS, in_options
from fednode.data.encode import Encoder, load_encoder
from fednode.sponsor.new_spec import NewFederation, load, make, save
from fednode.sponsor.trial import TrialFailed, made_up, try_out
from fednode.training.batches import Batches
from fedprotocol.errors import FedError
from fedprotocol.program.slow_work import told_if_slow
from fedprotocol.spec import SpecError, SpecMismatch, dump_spec
from support.evm import ROOT
from support.sites import choices
from support.tiny_model import CLASSES, TEMPLATE, colour_rows
from typer.main import get_command
from typer.testing import CliRunner, Result

SMALL = ("--batch-size", "2", "--sequence-length", "16", "--quantization", "fp32", "--rank", "2")


def spec_new(folder: Path, out: Path, *options: str) -> Result:
    """The command's result on the model in `folder`, with `options` over small ones."""
    named = ["new", "--name", "x", "--base-model", "tests/tiny", "--rounds", "2", "--template", TEMPLATE]
    return CliRunner().invoke(app, [*named, "--source", str(folder), "--out", str(out), *SMALL, *options])


def refused(folder: Path, out: Path, *options: str) -> str:
    """What it is refused with, and nothing was written."""
    result = spec_new(folder, out, *options)
    assert isinstance(result.exception, FedError), (result.output, result.exception)
    assert not out.exists()
    said = str(result.exception)
    assert "[model]" not in said and "training." not in said and "evaluation." not in said, said
    return said


@pytest.fixture(scope="module")
def llama2_like(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with a tokenizer that puts a space before every text, as Llama 2's does."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    spaced = Tokenizer(models.BPE(unk_token="<unk>"))
    spaced.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    spaced.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Strip(" ", 1, 0)])
    texts = [word for row in colour_rows(500) for word in (row["prompt"] + row["completion"] + "\n0:").split(" ")]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<unk>", "<s>", "</s>"],
        initial_alphabet=list("0123456789"),
        show_progress=False,
    )
    spaced.train_from_iterator(texts, trainer)
    folder = tmp_path_factory.mktemp("llama2-like")
    shutil.copytree(tiny_folder, folder, dirs_exist_ok=True)
    PreTrainedTokenizerFast(tokenizer_object=spaced, bos_token="<s>", eos_token="</s>").save_pretrained(folder)
    return folder


def test_a_spec_is_tried_and_then_written(tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"
    result = spec_new(tiny_folder, out, *(word for name in CLASSES for word in ("--class", name)), "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "tried: training for a round would take" in result.stderr
    assert json.loads(result.stdout)["spec_digest"] == "0x" + load(out).digest.hex()
    assert load(out / "spec.json").spec == load(out).spec
    again = spec_new(tiny_folder, out)
    assert "is not overwritten" in str(again.exception)
    shown = spec_new(tiny_folder, tmp_path / "shown", "--no-try").stdout
    assert "2.0 KiB an update, 8.0 KiB a global" in shown
    assert "2 digests a proposal (about 2,560 gas; transactions: 1), 1.0 KiB of each update a proof" in shown


def test_what_no_node_can_serve_is_refused(tiny_folder: Path, llama2_like: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"

    def said(*options: str, folder: Path = tiny_folder) -> str:
        return refused(folder, out, *options)

    assert "--optimizer 'adamw_torhc' is unknown; was adamw_torch meant?" in said(
        "--optimizer", "adamw_torhc", "--no-try"
    )
    assert "was adamw_factored meant?" in said("--optimizer", "adamw_facotred", "--no-try")
    assert "--look-ahead must be 0 where --factors is alternating" in said(
        "--look-ahead", "0.5", "--factors", "alternating"
    )
    assert "--look-ahead 0.5 times the server's learning rate must be below 1" in said(
        "--look-ahead", "0.5", "--server-lr", "2"
    )
    assert "was adamw_torch meant?" in said("--optimizer", "adamm", "--no-try")
    assert "--optimizer 'lomo' steps inside the backward pass" in said("--optimizer", "lomo")
    assert "--min-noise: " in said("--min-noise", "0")
    assert "--template ends in white space; what stands before the completion is --join" in said(
        "--template", "Thing: {prompt} Colour: "
    )
    assert "--join: must be at most 8 spaces, tabs and line breaks" in said("--join", "and")
    assert "--class: 'red' and 'red wine' begin with the same token ' red'" in said(
        "--class", " red", "--class", " red wine"
    )
    assert "rename one" in said("--class", " red", "--class", " red wine")
    assert "no linear module c_attn" in said("--target-module", "c_attn")
    assert "--sequence-length: no room for an answer" in said("--template", "0123456789abcdef{prompt}")
    assert "correct --source" in said(folder=tmp_path / "nowhere")
    assert "this version knows fedavg, fedavgm, " in said("--rule", "krum")
    assert "--device is cuda, but torch finds no CUDA device" in said("--device", "cuda")
    for option, value in (("server-lr", "nan"), ("server-lr", "2.1"), ("seed", "-1"), ("bits", "9"), ("rank", "0")):
        assert f"--{option}: " in said(f"--{option}", value)
    bare = tmp_path / "bare"
    shutil.copytree(tiny_folder, bare, ignore=shutil.ignore_patterns("token*"))
    assert "tokenizer" in said(folder=bare)
    assert spec_new(llama2_like, out, "--class", "red", "--class", " green").exit_code == 0
    assert load(out).spec.evaluation.classes == ("red", "green") and load(out).spec.prompt.join == " "


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"optimizer": "galore_adamw"}, "'galore_adamw' cannot be used here: .*galore_torch"),
        ({"optimizer": "sgd", "learning_rate": 1e-12}, "training changed no weight"),
        ({"learning_rate": 3e4, "steps": 1}, "beyond the grid's 128"),
    ],
)
def test_what_only_training_shows(tiny_folder: Path, training: dict[str, Any], said: str) -> None:
    with pytest.raises(FedError, match=said):
        tried(tiny_folder, max_norm=1e9, **training)


def tried(folder: Path, max_norm: float, min_norm: float = 1e-9, factors: str = "both", **training: Any) -> Any:
    base = choices()
    settings = {**base.training.model_dump(), "batch_size": 2, "sequence_length": 32, **training}
    lora = {**base.lora.model_dump(), "factors": factors}
    bounds = {"max_norm": max_norm, "min_norm": min_norm}
    return try_out(make(choices(training=settings, lora=lora, bounds=bounds), str(folder)), str(folder), "cpu", 1)


def test_the_last_round_counts_too(tiny_folder: Path) -> None:
    """A rate that falls to nothing leaves the grid behind, or the floor of an update."""
    fading = {"rounds": 100_000, "schedule": "cosine", "final_learning_rate_ratio": 0.0}
    with pytest.raises(FedError, match="training changed no weight"):
        tried(tiny_folder, 1.0, **fading)
    with pytest.raises(FedError, match=r"below the spec's floor of 0\.01"):
        tried(tiny_folder, 1.0, min_norm=0.01, **{**fading, "rounds": 300})
    assert tried(tiny_folder, 1.0).remarks == ()


def test_bounds_that_every_update_meets_are_remarked(tiny_folder: Path) -> None:
    [cut] = tried(tiny_folder, 0.01).remarks
    assert in_options(cut) == "one step goes beyond --max-norm already: every update will be cut down to 0.01"


@pytest.mark.parametrize("factors", ["b", "alternating"])
def test_each_factor_is_trained(tiny_folder: Path, factors: str) -> None:
    assert tried(tiny_folder, 1.0, factors=factors, gradient_checkpointing=True).step_seconds > 0


def test_made_up_rows_are_as_long_as_rows_can_be_and_padded(tiny_folder: Path) -> None:
    """Padding is where an id outside the embedding shows."""
    spec = make(choices(evaluation={"classes": None}), str(tiny_folder)).spec
    for chosen in (spec, spec.model_copy(update={"evaluation": choices().evaluation})):
        encoder = load_encoder(chosen, tiny_folder)
        lengths = [len(encoder.example(row["prompt"], row["completion"]).input_ids) for row in made_up(chosen, 6)]
        assert lengths[:5] == [64] * 5 and lengths[5] < 64
        assert len(made_up(chosen, 1)) == 1
        assert made_up(chosen, 1)["prompt"] == made_up(chosen, 6)["prompt"][:1]


@pytest.mark.parametrize(
    ("packs", "what"), [(True, "encode an update or score answers"), (False, "train one step as the spec says")]
)
def test_what_libraries_raise_is_told_in_a_line(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, packs: bool, what: str
) -> None:
    made = make(choices(), str(tiny_folder))
    monkeypatch.setattr(Encoder, "pad_id", 448)  # one past the embedding; packed rows need none
    if not packs:
        monkeypatch.setattr(Batches, "packs", False)
    with pytest.raises(TrialFailed, match=f"no node could {what}: index out of range"):
        try_out(made, str(tiny_folder), "cpu", 1)


def test_a_document_that_nodes_would_not_take(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read as nodes read it; a lower limit stands for a template of a megabyte, which takes long."""
    monkeypatch.setattr("fedprotocol.spec.written.MAX_SPEC_BYTES", 2_000)
    with pytest.raises(SpecError, match="at most 2000 bytes"):
        make(choices(), str(tiny_folder))


def test_try_finds_what_was_edited_or_left_untried(tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"
    assert spec_new(tiny_folder, out, "--no-try").exit_code == 0
    good = CliRunner().invoke(app, ["try", str(out), "--source", str(tiny_folder)])
    assert "a node can serve this spec" in good.stdout, (good.output, good.exception)
    file = out / "spec.json"
    file.write_text(file.read_text().replace('"adamw_factored"', '"adamw_torhc"'))
    bad = CliRunner().invoke(app, ["try", str(out), "--source", str(tiny_folder)])
    assert "--optimizer 'adamw_torhc' is unknown" in str(bad.exception)


def test_a_private_spec(tiny_folder: Path, tmp_path: Path) -> None:
    result = spec_new(tiny_folder, tmp_path / "made", "--private")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "private       nobody sees more than the sum of all updates" in result.stdout
    spec = load(tmp_path / "made").spec
    assert spec.masking is not None
    assert (spec.rule, spec.layout.mantissa_bits, spec.bounds.max_shift) == ("masked-mean", 32, 0)
    open_result = spec_new(tiny_folder, tmp_path / "public", "--bits", "16")
    assert open_result.exit_code == 0
    public = load(tmp_path / "public").spec
    assert public.largest_value / 2 < spec.largest_value <= public.largest_value, "as large as without masks"
    assert f"{spec.masking.bound} steps of" in result.stdout
    for options in (("--rule", "median"), ("--bits", "16"), ("--max-shift", "3"), ("--factors", "alternating")):
        said = refused(tiny_folder, tmp_path / "none", "--private", *options)
        assert options[0] in said, said


def test_a_private_spec_whose_values_would_be_cut_is_remarked(tiny_folder: Path) -> None:
    made = make(choices(rule="masked-mean", mantissa_bits=32), str(tiny_folder))
    assert made.spec.masking is not None
    small = made.spec.model_copy(update={"masking": made.spec.masking.model_copy(update={"scale": 0, "bound": 1})})
    trial = try_out(NewFederation(small, dump_spec(small), made.genesis), str(tiny_folder), "cpu", 1)
    assert "already: sites will cut them to that" in trial.remarks[0]


def test_a_folder_is_read_as_nodes_read_it(tiny_folder: Path, tmp_path: Path) -> None:
    made = make(choices(), str(tiny_folder))
    layout = made.spec.layout.model_copy(update={"parts": 2})
    other = made.spec.model_copy(update={"layout": layout})
    save(NewFederation(other, dump_spec(other), made.genesis), tmp_path / "parts")
    with pytest.raises(SpecMismatch, match="2 leaves for each of an update"):
        load(tmp_path / "parts")


def test_every_option_of_a_field_is_one() -> None:
    command = get_command(app).commands["new"]  # type: ignore[attr-defined]
    assert set(OPTIONS.values()) <= {option for parameter in command.params for option in parameter.opts}
    assert in_options("training.steps: [model] source") == "--steps: --source"


def test_slow_work_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with told_if_slow("quick work"):
        pass
    with told_if_slow("slow work", first=0.05):
        time.sleep(0.3)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "slow work: 0 s so far" and said[-1] == "slow work: 0 s in all"
    assert 3 <= len(said) <= 5, said


def test_what_the_documentation_shows(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for time, place and what follows from the tokenizer."""
    text = (ROOT / "docs/operating.md").read_text()
    shown = text[text.index("$ fednode spec new") :].partition("```")[0]
    command, _, output = shown.replace("\\\n", " ").partition("\n")
    (tmp_path / "model").symlink_to(tiny_folder)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, shlex.split(command)[3:])
    assert result.exit_code == 0, (result.output, result.exception)
    said = result.stderr.splitlines() + result.stdout.splitlines()
    exact = [line for line in output.splitlines() if not line.startswith(("tried", "published", "spec", "genesis"))]
    assert len(exact) >= 3 and set(exact) <= set(said), said
