"""Chat templates in Go's template language, filled in by Go's own library as Ollama does it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from fednode.base_model.chat_template import fill_in, named_tokens, without_clock
from fednode.base_model.errors import BaseModelError
from fednode.data.turns import Turn, messages_of
from fednode.global_model.modelfile import modelfile
from fednode.global_model.ollama_template import Pieces, pieces_of
from fedprotocol.spec import Prompt, Spec
from support.chat_templates import CHATML, GEMMA, USABLE, Chat
from support.tiny_spec import tiny_spec

TALKS: tuple[list[Turn], ...] = (
    [("user", 'a "small" rose')],
    [("system", "be kind\nand brief"), ("user", "{{ .Content }}")],
    [
        ("user", "a"),
        ("assistant", "red"),
        ("user", "b"),
        ("assistant", "blue"),
        ("user", "c"),
        ("assistant", "x"),
        ("user", "d"),
    ],
    [("system", "s"), ("user", "a"), ("assistant", "你好 🙂"), ("user", "\\n`")],
)
GO = """package main

import (
	"encoding/json"
	"os"
	"text/template"
)

type message struct{ Role, Content string }

func main() {
	var cases []struct {
		Template string
		Messages []message
	}
	if json.NewDecoder(os.Stdin).Decode(&cases) != nil {
		os.Exit(2)
	}
	for _, one := range cases {
		template.Must(template.New("").Parse(one.Template)).Execute(os.Stdout, map[string]any{"Messages": one.Messages})
		os.Stdout.Write([]byte{0})
	}
}
"""


def filled(chat: Chat, turns: Sequence[Turn]) -> str:
    return fill_in(without_clock(chat.template), messages_of(turns), True, named_tokens(chat.tokenizer()))


def found(chat: Chat) -> Pieces:
    pieces = pieces_of(lambda turns: filled(chat, turns))
    assert pieces is not None
    return pieces


@pytest.mark.process
@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
def test_go_fills_in_what_jinja_does(tmp_path: Path) -> None:
    cases, expected = [], []
    for chat in USABLE.values():
        pieces = found(chat)
        for turns in TALKS:
            try:
                expected.append(filled(chat, turns))
            except BaseModelError:
                without = [turn for turn in turns if turn[0] != "system"]
                expected.append(filled(chat, without))
                assert chat is GEMMA, "the one that refuses system messages"
            cases.append({"Template": pieces.in_go(), "Messages": messages_of(turns)})
    (tmp_path / "main.go").write_text(GO)
    done = subprocess.run(
        ["go", "run", str(tmp_path / "main.go")], input=json.dumps(cases), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\0")[:-1] == expected


@pytest.mark.parametrize(
    "template",
    [
        "{% for message in messages %}{{ loop.index }}{{ message['content'] }}{% endfor %}",
        "{% for message in messages %}{{ message['content'] | upper }}{% endfor %}",
        "{{ raise_exception('never') }}",
    ],
    ids=["numbered", "changed", "refused"],
)
def test_what_is_not_made_of_pieces(template: str, tiny_folder: Path) -> None:
    chat = Chat(template, ("<|end|>",))
    assert pieces_of(lambda turns: filled(chat, turns)) is None
    text = modelfile(in_chat(tiny_folder), chat.tokenizer(), "model.gguf")
    assert "use llama.cpp" in text and "TEMPLATE" not in text.replace("chat template", "")


@pytest.mark.parametrize(("chat", "stops"), [(CHATML, ["<|im_end|>"]), (GEMMA, ["<eos>", "<end_of_turn>"])])
def test_an_answer_stops_where_a_turn_ends(chat: Chat, stops: list[str], tiny_folder: Path) -> None:
    lines = modelfile(in_chat(tiny_folder), chat.tokenizer(), "model.gguf").splitlines()
    assert [line for line in lines if "stop" in line] == [f'PARAMETER stop "{stop}"' for stop in stops]


def in_chat(folder: Path) -> Spec:
    prompt = Prompt(template="chat", turns="last", chat_template="0x" + 64 * "0")
    return tiny_spec(folder)[0].model_copy(update={"prompt": prompt})
