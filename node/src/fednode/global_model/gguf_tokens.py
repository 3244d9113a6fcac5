"""A tokenizer in GGUF: llama.cpp makes the same tokens from it, or it is refused."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from fedprotocol.spec import Prompt

from fednode.base_model.chat_template import chat_template_of, without_clock
from fednode.base_model.tokenizer import start_of_text
from fednode.global_model.errors import ExportError

if TYPE_CHECKING:
    from gguf import GGUFWriter

_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_SPLITS = {
    ("ByteLevel",): "gpt-2",
    ("Digits", "ByteLevel"): "smollm",
    (_LLAMA3, "bytes"): "llama-bpe",
    (_QWEN2, "bytes"): "qwen2",
}
"""llama.cpp's names of the ways in which a text is split before pairs are merged, by the steps of a tokenizer.json."""


def write_tokens(writer: GGUFWriter, tokenizer: Any, prompt: Prompt, vocabulary: int, instead: str) -> None:
    """Put the tokenizer into the file, and the prompt template as its chat template, which the programs around
    llama.cpp apply to what a person says.

    `vocabulary`: the number of the model's embeddings; ids without a token are filled up. `instead`: what to do about a
    tokenizer that cannot be written, for the message. Raises ExportError.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    content: dict[str, Any] = json.loads(backend.to_str()) if backend is not None else {"model": {"type": "unknown"}}
    model = content["model"]
    if model["type"] == "BPE" and model.get("byte_fallback"):
        _write_pieces(writer, content, tokenizer, vocabulary, instead)
    elif model["type"] == "BPE":
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(_pre(content, instead))
        writer.add_token_list(_tokens(tokenizer, vocabulary, instead))
        writer.add_token_types(_types(content, tokenizer, vocabulary))
        if model["merges"]:
            writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    else:
        raise ExportError(f"a tokenizer of the kind {model['type']} cannot be written as GGUF here; {instead}")
    _write_roles(writer, tokenizer, prompt)
    writer.add_chat_template(without_clock(chat_template_of(tokenizer)) if prompt.is_chat else chat_template(prompt))


def chat_template(prompt: Prompt) -> str:
    """The prompt template as a Jinja template over the messages of a chat, of which it takes the last."""
    before, after = prompt.before_answer.split("{prompt}")
    content = "messages[-1]['content']" + ("" if prompt.join is None else " | trim")
    return "".join(
        "{{ " + part + " }}"
        for part in (json.dumps(before, ensure_ascii=False), content, json.dumps(after, ensure_ascii=False))
        if part != '""'
    )


def _write_roles(writer: GGUFWriter, tokenizer: Any, prompt: Prompt) -> None:
    starts = start_of_text(tokenizer) and not prompt.is_chat  # a chat template writes it itself, or wants none
    # without one, llama.cpp takes a token of its own choice
    start = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    writer.add_bos_token_id(start)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    if tokenizer.unk_token_id is not None:
        writer.add_unk_token_id(tokenizer.unk_token_id)
    writer.add_add_bos_token(bool(starts))
    writer.add_add_eos_token(False)


def _pre(content: dict[str, Any], instead: str) -> str:
    """llama.cpp's name for how this tokenizer splits a text."""
    steps = content["pre_tokenizer"] or {}
    steps = steps.get("pretokenizers", [steps])
    name = _SPLITS.get(tuple(map(_step, steps)))
    normalizer = (content["normalizer"] or {}).get("type")
    if name is None or normalizer not in ((None, "NFC") if name == "qwen2" else (None,)):
        raise ExportError(f"llama.cpp has no name for how this tokenizer splits a text; {instead}")
    whole_words = bool(content["model"].get("ignore_merges"))
    if whole_words != (name == "llama-bpe"):
        raise ExportError(f"llama.cpp looks up whole words in another way than this tokenizer; {instead}")
    return name


def _step(step: dict[str, Any]) -> str:
    if step.get("add_prefix_space"):
        return "a space before"
    match step:
        case {"type": "ByteLevel", "use_regex": False}:
            return "bytes"
        case {"type": "ByteLevel"}:
            return "ByteLevel"
        case {"type": "Digits", "individual_digits": True}:
            return "Digits"
        case {"type": "Split", "pattern": {"Regex": str(pattern)}, "behavior": "Isolated", "invert": False}:
            return pattern
    return "unknown"


def _write_pieces(writer: GGUFWriter, content: dict[str, Any], tokenizer: Any, vocabulary: int, instead: str) -> None:
    """A tokenizer that sentencepiece made (Llama 2, Mistral): which pair is merged first follows from scores."""
    text = json.dumps([content["normalizer"], content["pre_tokenizer"]])
    prepends = '"Prepend"' in text or '"prepend_scheme": "first"' in text or '"prepend_scheme": "always"' in text
    if unknown := set(re.findall(r'"type": "(\w+)"', text)) - {"Sequence", "Prepend", "Replace", "Metaspace"}:
        raise ExportError(f"llama.cpp has no such step as this tokenizer's {unknown.pop()}; {instead}")
    tokens = _tokens(tokenizer, vocabulary, instead)
    ranks: dict[str, int] = {}
    for rank, (left, right) in enumerate(content["model"]["merges"]):
        ranks.setdefault(left + right, rank)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(ranks.get(token, len(ranks))) for token in tokens])
    writer.add_token_types(_types(content, tokenizer, vocabulary, bytes_too=True))
    writer.add_add_space_prefix(prepends)


def _tokens(tokenizer: Any, vocabulary: int, instead: str) -> list[str]:
    by_id = {index: token for token, index in tokenizer.get_vocab().items()}
    if max(by_id) >= vocabulary:
        raise ExportError(f"the tokenizer has more tokens than the model has embeddings ({vocabulary:,}); {instead}")
    return [by_id.get(index, f"[PAD{index}]") for index in range(vocabulary)]


def _types(content: dict[str, Any], tokenizer: Any, vocabulary: int, bytes_too: bool = False) -> list[int]:
    from gguf import TokenType

    types = [int(TokenType.UNUSED)] * vocabulary
    for token, index in tokenizer.get_vocab().items():
        is_byte = bytes_too and re.fullmatch("<0x[0-9A-F]{2}>", token)
        types[index] = int(TokenType.BYTE if is_byte else TokenType.NORMAL)
    for added in content["added_tokens"]:
        types[added["id"]] = int(TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED)
    if bytes_too and tokenizer.unk_token_id is not None:
        types[tokenizer.unk_token_id] = int(TokenType.UNKNOWN)
    return types
