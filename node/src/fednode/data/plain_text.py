"""Text to tokens, with the tokenizer's control tokens out of reach of what a site writes.

A tokenizer makes one control token of `<|end|>` wherever it stands, in a site's text too. Here the control tokens go
under other names, which nobody can write because they are drawn for each process; the template, which is the spec's,
is put into these names first. All else is the tokenizer's own work in one piece, so that text without such strings
becomes the very tokens that the tokenizer makes of it. (transformers' `split_special_tokens` knows one text with all of
its control tokens or with none, and a model that holds them in its vocabulary still finds them there.)
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fedprotocol.errors import FedError

if TYPE_CHECKING:
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerBase

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
"""What a vocabulary with byte fallback calls the token of a byte: no control token, whatever it is declared to be."""


class EncodingError(FedError):
    """The tokenizer cannot serve this spec."""


def control_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """The tokens, with their numbers, that a fast tokenizer itself declares special, and those it has roles for (end of
    text, …). Other added tokens, such as runs of spaces, are text."""
    backend: Any = tokenizer.backend_tokenizer
    roles = set(tokenizer.all_special_ids)
    added = backend.get_added_tokens_decoder()
    return {str(token.content): int(key) for key, token in added.items() if token.special or key in roles}


class PlainText:
    """A fast tokenizer for text in which no control token (`control_tokens`) can be written."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Raises EncodingError for a tokenizer without tokenizer.json, or one that cannot be copied."""
        if not tokenizer.is_fast:
            raise EncodingError("the base model's tokenizer has no tokenizer.json; choose a base model that has one")
        backend: Any = tokenizer.backend_tokenizer
        added = backend.get_added_tokens_decoder()
        special = control_tokens(tokenizer)
        known = "|".join(re.escape(str(t.content)) for t in sorted(added.values(), key=lambda t: -len(t.content)))
        self._added = re.compile(known or r"(?!)")
        nonce = secrets.token_hex(16)
        self._hidden = {content: f"\ufdd0{nonce}.{key}\ufdd1" for content, key in special.items()}
        try:
            document = hidden(json.loads(backend.to_str()), self._hidden)
            self._backend: Any = type(backend).from_str(json.dumps(document))
        except Exception as error:  # tokenizers raises nothing more special
            raise EncodingError(
                f"the base model's tokenizer cannot be used: {error}; choose another base model"
            ) from error
        for content, key in special.items():
            if not _BYTE.fullmatch(content) and self._backend.token_to_id(self._hidden[content]) != key:
                raise EncodingError(f"the base model's tokenizer has no place of its own for {content!r}")
        self._by_bytes = (
            document["normalizer"] is None
            and document["model"]["type"] == "BPE"
            and any(_cuts_bytes(part) for part in _parts(document["pre_tokenizer"]))
        )
        self._backend.no_truncation()
        self._backend.no_padding()
        vocabulary = self._backend.get_vocab(with_added_tokens=True)
        unwritable = set(self._hidden.values())
        self._last = max(
            ((key, token) for token, key in vocabulary.items() if token not in unwritable), default=(-1, "")
        )

    @property
    def last(self) -> tuple[int, str]:
        """The highest token id that text can become, and the token as the vocabulary writes it."""
        return self._last

    def with_control(self, text: str) -> str:
        """`text`, with every control token in it meant as one."""
        return self._added.sub(lambda found: self._hidden.get(found[0], found[0]), text)

    def control_tokens_in(self, text: str) -> set[str]:
        """The strings in `text` of which the base model's tokenizer by itself would make control tokens."""
        return self._hidden.keys() & set(self._added.findall(text))

    def tokens(self, text: str) -> list[int]:
        """Token ids of `text`, of which only what went through `with_control` can be control tokens."""
        return list(self._encoded(text).ids)

    def counts(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, as `tokens` makes them."""
        return [len(encoding.ids) for encoding in self._backend.encode_batch_fast(texts, add_special_tokens=False)]

    def most_tokens(self, text: str) -> int | None:
        """A number of tokens that `text` cannot exceed, without making them: where each byte becomes a character of the
        vocabulary, its bytes. None: the tokenizer is not of that kind."""
        return len(text.encode()) if self._by_bytes else None

    def starts(self, text: str) -> list[int]:
        """The index of the character in `text` that each of its tokens begins at."""
        return [start for start, _ in self._encoded(text).offsets]

    def without_last(self, text: str, count: int) -> str:
        """`text`, which is not empty, without its last `count` tokens, and by one character shorter at least."""
        starts = self.starts(text)
        end = starts[-count] if count < len(starts) else 0
        return text[: min(end, len(text) - 1)]

    def _encoded(self, text: str) -> Encoding:
        encoding: Encoding = self._backend.encode(text, add_special_tokens=False)
        return encoding


def _parts(pre_tokenizer: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The pre-tokenizers that a sequence of them consists of; a single one stands for itself."""
    if pre_tokenizer is None:
        return []
    return list(pre_tokenizer.get("pretokenizers", [pre_tokenizer]))


def _cuts_bytes(pre_tokenizer: Mapping[str, Any]) -> bool:
    """Whether it makes one character of each byte, and adds none."""
    return pre_tokenizer["type"] == "ByteLevel" and not pre_tokenizer["add_prefix_space"]


def hidden(tokenizer: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The content of a tokenizer.json with its control tokens under other names: `names`, by their own.

    The model's vocabulary is changed too: several kinds of models would find a control token there that is no longer
    cut out of the text before. Bytes keep their names, because byte fallback asks for them.
    """
    changed = {own: name for own, name in names.items() if not _BYTE.fullmatch(own)}
    added = [
        token for token in tokenizer["added_tokens"] if token["content"] in changed or token["content"] not in names
    ]
    model: dict[str, Any] = dict(tokenizer["model"])
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):  # Unigram: pieces with their scores, in the order of ids
        model["vocab"] = [[changed.get(piece, piece), score] for piece, score in vocabulary]
    else:
        model["vocab"] = {changed.get(token, token): key for token, key in vocabulary.items()}
    if model.get("unk_token") is not None:
        model["unk_token"] = changed.get(model["unk_token"], model["unk_token"])
    if "merges" in model:
        prefix = model.get("continuing_subword_prefix") or ""
        pairs = [tuple(pair.split(" ", 1)) if isinstance(pair, str) else tuple(pair) for pair in model["merges"]]
        model["merges"] = [
            [left, right]
            for left, right in pairs
            if not changed.keys() & {left, right, left + right.removeprefix(prefix)}
        ]
    return {
        **tokenizer,
        "model": model,
        "added_tokens": [{**token, "content": changed.get(token["content"], token["content"])} for token in added],
    }
