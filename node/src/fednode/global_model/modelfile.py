"""A Modelfile, from which Ollama makes a model: its documentation is at https://docs.ollama.com/modelfile."""

from __future__ import annotations

import json

from fedprotocol.spec import Spec

_BASE = """# base.gguf is the base model as GGUF, of the weights that the federation names; put it beside this file.
# `fednode export --round 0 --merged --gguf --out base` writes it as base/model.gguf.
"""


def modelfile(spec: Spec, end: str, model: str, adapter: str | None = None) -> str:
    """The file's text.

    It names the model's and the adapter's file beside it, the spec's prompt template as Go's template language writes
    it (of conversations Ollama reads the base model's own from the model's file), answers of the likeliest tokens, and
    `end`, the end-of-text token, at which an answer stops.
    """
    lines = [_BASE + f"FROM ./{model}"] if adapter is not None else [f"FROM ./{model}"]
    if adapter is not None:
        lines.append(f"ADAPTER ./{adapter}")
    if not spec.prompt.is_chat:  # else Ollama takes the chat template of the base model's file
        before, after = spec.prompt.before_answer.split("{prompt}")
        lines.append(f'TEMPLATE """{_literal(before)}{{{{ .Prompt }}}}{_literal(after)}"""')
    # Ollama's own default makes tokens that were just said less likely.
    lines += ["PARAMETER temperature 0", "PARAMETER repeat_penalty 1"]
    lines.append(f"PARAMETER stop {json.dumps(end, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _literal(text: str) -> str:
    """`text` in a template, where it means itself. What the template language or the file's own quotation marks would
    read as more becomes a string of that language, whose escapes are those of JSON."""
    if "{{" not in text and '"' not in text:
        return text
    return "{{ " + json.dumps(text, ensure_ascii=False) + " }}"
