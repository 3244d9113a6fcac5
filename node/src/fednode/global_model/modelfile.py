"""A Modelfile, from which Ollama makes a model: its documentation is at https://docs.ollama.com/modelfile."""

from __future__ import annotations

import json
from typing import Any

from fedprotocol.spec import Spec

from fednode.base_model.chat_template import chat_template_of, fill_in, named_tokens, without_clock
from fednode.data.plain_text import control_tokens
from fednode.data.turns import messages_of
from fednode.global_model.ollama_template import Pieces, pieces_of

_BASE = """# base.gguf is the base model as GGUF, of the weights that the federation names; put it beside this file.
# `fednode export --round 0 --merged --gguf --out base` writes it as base/model.gguf.
"""

_NO_TEMPLATE = """# The base model's chat template cannot be written for Ollama, which will ask in another way than the
# sites trained: use llama.cpp, which reads the template in the model's file.
"""


def modelfile(spec: Spec, tokenizer: Any, model: str, adapter: str | None = None) -> str:
    """The file's text.

    It names the model's and the adapter's file beside it, the prompt template as Go's template language writes it,
    answers of the likeliest tokens, and where an answer stops. `tokenizer`: the base model's.
    """
    lines = [_BASE + f"FROM ./{model}"] if adapter is not None else [f"FROM ./{model}"]
    if adapter is not None:
        lines.append(f"ADAPTER ./{adapter}")
    stops = [str(tokenizer.eos_token)]
    if not spec.prompt.is_chat:
        before, after = spec.prompt.before_answer.split("{prompt}")
        lines.append(f'TEMPLATE """{_literal(before)}{{{{ .Prompt }}}}{_literal(after)}"""')
    elif (pieces := _pieces(tokenizer)) is not None:
        lines.append(f'TEMPLATE """{pieces.in_go()}"""')
        stops += [token for token in control_tokens(tokenizer) if pieces.behind_answer.startswith(token)]
    else:
        lines[0] = _NO_TEMPLATE + lines[0]
    # Ollama's own default makes tokens that were just said less likely.
    lines += ["PARAMETER temperature 0", "PARAMETER repeat_penalty 1"]
    lines += [f"PARAMETER stop {json.dumps(stop, ensure_ascii=False)}" for stop in dict.fromkeys(stops)]
    return "\n".join(lines) + "\n"


def _pieces(tokenizer: Any) -> Pieces | None:
    template, names = without_clock(chat_template_of(tokenizer)), named_tokens(tokenizer)
    return pieces_of(lambda turns: fill_in(template, messages_of(turns), True, names))


def _literal(text: str) -> str:
    """`text` in a template, where it means itself. What the template language or the file's own quotation marks would
    read as more becomes a string of that language, whose escapes are those of JSON."""
    if "{{" not in text and '"' not in text:
        return text
    return "{{ " + json.dumps(text, ensure_ascii=False) + " }}"
