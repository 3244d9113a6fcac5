"""Small tokenizers of every kind that base models have, learned on the spot from the texts of `colour_rows`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from support.tiny_model import colour_rows, tiny_tokenizer

START, END = "<s>", "</s>"


def _texts() -> list[str]:
    return [row["prompt"] + row["completion"] for row in colour_rows(300)] + ["abcdefghijklmnopqrstuvwxyz</s>[]|"]


def _wrapped(backend: Any, **roles: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=backend, **roles)


def byte_level() -> Any:
    """As GPT-2's; end of text `<|end|>`."""
    return tiny_tokenizer()


def byte_level_whole_words() -> Any:
    """As Llama 3's, which looks a whole word up in its vocabulary first; nothing splits the words."""
    from tokenizers import Tokenizer, models

    vocabulary = {chr(code): code for code in range(32, 127)} | {END: 127}
    return _wrapped(Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True)), eos_token=END)


def merged_control() -> Any:
    """A BPE whose merges lead to its end of text, as converters from sentencepiece write them."""
    from tokenizers import Tokenizer, models

    vocabulary = {chr(code): code for code in range(32, 127)} | {"</": 127, "s>": 128, END: 129}
    bpe = models.BPE(vocab=vocabulary, merges=[("<", "/"), ("s", ">"), ("</", "s>")])
    return _wrapped(Tokenizer(bpe), eos_token=END)


def llama2() -> Any:
    """As Llama 2's: a space is put before every text, bytes stand in for what is unknown, a start of text is added."""
    from tokenizers import Tokenizer, decoders, models, normalizers
    from tokenizers.processors import TemplateProcessing

    tokens = ["<unk>", START, END, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"abcdefghijklmnopqrstuvwxyz</>:"]
    tokens += ["▁r", "▁re", "▁red"]
    vocabulary = {token: key for key, token in enumerate(tokens)}
    bpe = models.BPE(
        vocab=vocabulary,
        merges=[("▁", "r"), ("▁r", "e"), ("▁re", "d")],
        unk_token="<unk>",
        byte_fallback=True,
        fuse_unk=True,
    )
    backend = Tokenizer(bpe)
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.add_special_tokens(["<unk>", START, END])
    backend.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[(START, 1)])
    return _wrapped(backend, bos_token=START, eos_token=END, unk_token="<unk>")


def unigram(scheme: str) -> Any:
    """As sentencepiece's; `scheme`: where a space is put, "first", "always" or "never"."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    backend = Tokenizer(models.Unigram())
    backend.normalizer = normalizers.NFKC()
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    backend.decoder = decoders.Metaspace(prepend_scheme=scheme)
    trainer = trainers.UnigramTrainer(
        vocab_size=140, special_tokens=["<unk>", END], unk_token="<unk>", show_progress=False
    )
    backend.train_from_iterator(_texts(), trainer)
    return _wrapped(backend, eos_token=END, unk_token="<unk>")


def word_piece() -> Any:
    """As BERT's: lower case, end of text `[SEP]`."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=["[UNK]", "[SEP]"], show_progress=False)
    backend.train_from_iterator(_texts(), trainer)
    return _wrapped(backend, eos_token="[SEP]", unk_token="[UNK]")


def word_level() -> Any:
    """Words of a list, between spaces, end of text among them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    backend = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.train_from_iterator(_texts(), trainers.WordLevelTrainer(special_tokens=["[UNK]", END], show_progress=False))
    return _wrapped(backend, eos_token=END, unk_token="[UNK]")


KINDS: Mapping[str, Callable[[], Any]] = {
    "byte-level": byte_level,
    "byte-level-whole-words": byte_level_whole_words,
    "merged-control": merged_control,
    "llama2": llama2,
    "unigram-first": lambda: unigram("first"),
    "unigram-always": lambda: unigram("always"),
    "unigram-never": lambda: unigram("never"),
    "word-piece": word_piece,
    "word-level": word_level,
}


SPLITS = ("gpt-2", "smollm", "llama-bpe", "qwen2")
"""llama.cpp's names of the ways in which a byte-level BPE splits a text before it merges."""


def split_as(name: str) -> Any:
    """A byte-level BPE that splits a text as the tokenizers of these models do."""
    from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers

    tokenizer = tiny_tokenizer(_texts() + 99 * ["In 2026, 1234567 of 12 weren't:  two   spaces\n\nand WEREN'T"])
    backend: Any = tokenizer.backend_tokenizer
    words = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+"
    )
    if name == "smollm":
        first, bytes_ = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.pre_tokenizer = pre_tokenizers.Sequence([first, bytes_])
    elif name in ("llama-bpe", "qwen2"):
        pattern = words if name == "llama-bpe" else words.replace("{1,3}", "")
        split = pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False)
        bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        backend.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_])
    if name == "qwen2":
        backend.normalizer = normalizers.NFC()
    if name == "llama-bpe":
        content = json.loads(backend.to_str())
        content["model"]["ignore_merges"] = True
        return _wrapped(Tokenizer.from_str(json.dumps(content)), eos_token="<|end|>")
    return tokenizer
