"""`fednode data show`: rows as the model sees them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fednode.cli.app import app
from fednode.config import render
from fednode.data.rows import Row
from fednode.data.shown import shown
from fedprotocol.spec import Evaluation, Prompt, dump_spec
from support.encoders import encoder_of
from support.tiny_model import CLASSES, TEMPLATE, colour_rows, tiny_tokenizer, write_jsonl
from support.tiny_spec import tiny_spec
from typer.testing import CliRunner

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def site(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config, the spec and data; no chain."""
    folder = tmp_path_factory.mktemp("site")
    spec, _ = tiny_spec(tiny_folder, "fp32", evaluation=Evaluation(classes=tuple(map(str.strip, CLASSES))))
    joined = spec.model_copy(update={"prompt": Prompt(template=TEMPLATE, join=" ")})
    (folder / "spec.json").write_bytes(dump_spec(joined))
    write_jsonl(folder / "train.jsonl", [{"prompt": "a rose", "completion": "red"}, {"prompt": "x"}, *colour_rows(60)])
    write_jsonl(folder / "test.jsonl", [{"prompt": "the sea " * 60, "completion": "blue"}])
    text = render(
        rpc=["http://127.0.0.1:9"],
        chain_id=5,
        coordinator="0x" + 40 * "1",
        store="dir:store",
        peers=[],
        keystore="key.json",
        train="train.jsonl",
        test="test.jsonl",
        model=str(tiny_folder),
    )
    (folder / "fednode.toml").write_text(text)
    (folder / "split.toml").write_text(text.replace('test = "test.jsonl"', "split = 0.25", 1))
    return folder


def show(site: Path, *words: str, config: str = "fednode.toml") -> list[str]:
    done = CliRunner().invoke(
        app, ["data", "show", *words, "--config", str(site / config), "--spec", str(site / "spec.json")]
    )
    assert done.exit_code == 0, done.exception
    return done.stdout.splitlines()


def test_rows_with_their_tokens_and_what_is_wrong_in_its_place(site: Path) -> None:
    lines = show(site, "2")
    assert lines[0] == f"{site}/train.jsonl; between >>> and <<< is what the model learns:"
    assert lines[1].startswith("line 1: ") and lines[1].endswith(" tokens, 2 of them learned; nothing is cut")
    assert lines[2:] == ["  Thing: a rose", "  Colour:>>> red<|end|><<<", "line 2: has no completion"]
    assert len([line for line in show(site) if line.startswith("line ")]) == 3
    assert show(site, "1", "--file", str(site / "train.jsonl"))[1:] == lines[1:4]


def test_a_row_that_is_cut_and_rows_of_the_test(site: Path) -> None:
    _, counts, text, _ = show(site, "--test")
    assert counts == "line 1: 48 tokens, 2 of them learned; the end of its prompt is cut off to fit"
    assert text.startswith("  Thing: the sea the sea")


def test_each_side_of_a_split(site: Path) -> None:
    trained, tested = show(site, "70", config="split.toml"), show(site, "70", "--test", config="split.toml")
    assert trained[0] == f"{site}/train.jsonl, rows that are trained on; between >>> and <<< is what the model learns:"
    assert ", rows that are held out for scoring; " in tested[0]
    numbers = [{line.split(":")[0] for line in lines if " tokens, " in line} for lines in (trained, tested)]
    assert not numbers[0] & numbers[1] and len(numbers[0] | numbers[1]) == 61
    told = f"split 0.25: {len(numbers[0])} rows are trained on, {len(numbers[1])} are held out for scoring"
    assert trained[-1] == tested[-1] == told


def test_what_is_learned_has_a_colour_where_there_are_colours(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    make = Console.__init__
    monkeypatch.setattr(
        Console, "__init__", lambda self, **given: make(self, force_terminal=True, color_system="standard", **given)
    )
    first, *_, last = show(site, "1")
    assert first.endswith("; highlighted is what the model learns:")
    assert last == "  Colour:\x1b[30;42m red<|end|>\x1b[0m"


def test_without_a_tokenizer_nothing_is_shown(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["data", "show", "--file", "d.jsonl", "--config", str(tmp_path / "none.toml")])
    assert done.exit_code == 1 and "the federation's spec is not at hand" in str(done.exception)


def test_what_is_counted() -> None:
    encoder = encoder_of(tiny_tokenizer(), TEMPLATE, 24, " ")
    seen = shown(Row("rose " * 99, "red " * 99, None), encoder)
    assert (seen.tokens, seen.prompt_cut, seen.answer_cut) == (24, True, True)
    assert seen.counts().endswith("the end of its prompt and of its answer is cut off to fit")
