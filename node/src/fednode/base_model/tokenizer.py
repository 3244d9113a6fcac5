"""The base model's tokenizer: loaded, and described by what it does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedprotocol.base_model import Text, TokenizerRef

from fednode.base_model.errors import BaseModelError, BaseModelMissing
from fednode.base_model.foreign_errors import AGAIN, told_as
from fednode.base_model.quiet_libraries import quiet
from fednode.base_model.tokenizer_needs import obstacle
from fednode.base_model.tokenizer_probes import PROBES

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model", "tekken.json")
"""Most tokenizers are made from one of these files."""


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in `folder`. Raises BaseModelMissing."""
    from transformers import AutoTokenizer

    quiet()
    what = f"{folder}: no tokenizer that can be loaded"
    try:
        with told_as(BaseModelMissing, what, AGAIN):
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except BaseModelMissing as error:
        if (why := obstacle(folder)) is not None:
            raise BaseModelMissing(f"{what}: {why}") from error
        raise
    return tokenizer


def start_of_text(tokenizer: Any) -> list[int]:
    """The ids that the tokenizer itself puts before a text: its beginning of text, or none."""
    added = list(tokenizer("")["input_ids"])
    return added[:1] if added[:1] == [tokenizer.bos_token_id] else []


def describe(tokenizer: Any, texts: Iterable[str] = ()) -> TokenizerRef:
    """The description of a tokenizer for a spec, with our probes and with `texts`. Raises BaseModelError if it has no
    end of text."""
    if tokenizer.eos_token_id is None:
        raise BaseModelError("the base model's tokenizer has no end-of-text token; choose another base model")
    with told_as(BaseModelError, "the base model's tokenizer cannot be used", AGAIN):
        return _described(tokenizer, texts)


def _described(tokenizer: Any, texts: Iterable[str]) -> TokenizerRef:
    vocabulary = _vocabulary(tokenizer)
    probes = dict.fromkeys([*PROBES, *filter(None, texts)])
    return TokenizerRef(
        size=len(vocabulary),
        vocabulary=_digest(vocabulary),
        start=tuple(start_of_text(tokenizer)),
        end=int(tokenizer.eos_token_id),
        texts=tuple(Text(text=text, tokens=tuple(_tokens(tokenizer, text))) for text in probes),
    )


def tokenizer_differences(spec: TokenizerRef, tokenizer: Any) -> Iterator[str]:
    """The differences, each in a few words. Only the first text that differs is named."""
    vocabulary = _vocabulary(tokenizer)
    if len(vocabulary) != spec.size:
        yield f"the spec's tokenizer has {spec.size} tokens, this one {len(vocabulary)}"
    elif _digest(vocabulary) != spec.vocabulary:
        yield f"the spec's tokenizer has other tokens under the same {spec.size} ids"
    if tokenizer.eos_token_id != spec.end:
        yield f"the spec's tokenizer ends a text with token {spec.end}, this one with {tokenizer.eos_token_id}"
    if (start := start_of_text(tokenizer)) != list(spec.start):
        yield f"the spec's tokenizer begins a text with tokens {list(spec.start)}, this one with {start}"
    for probe in spec.texts:
        tokens = _tokens(tokenizer, probe.text)
        if tokens != list(probe.tokens):
            at = next((i for i, (a, b) in enumerate(zip(tokens, probe.tokens, strict=False)) if a != b), None)
            at = min(len(tokens), len(probe.tokens)) if at is None else at
            yield (
                f"the spec's tokenizer makes {len(probe.tokens)} tokens of {probe.text!r:.60}, this one {len(tokens)}: "
                f"from the {at + 1}th on they are {_few(probe.tokens[at:])} and {_few(tokens[at:])}"
            )
            return


def _few(tokens: Iterable[int]) -> str:
    listed = list(tokens)
    return f"{listed[:3]}"[:-1] + (", …]" if len(listed) > 3 else "]")


def _tokens(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _vocabulary(tokenizer: Any) -> list[tuple[int, str]]:
    return sorted((index, token) for token, index in tokenizer.get_vocab().items())


def _digest(vocabulary: Iterable[tuple[int, str]]) -> str:
    digest = hashlib.sha256()
    for index, token in vocabulary:
        digest.update(f"{index}\0{token}\0".encode("utf-8", "surrogatepass"))
    return "0x" + digest.hexdigest()
