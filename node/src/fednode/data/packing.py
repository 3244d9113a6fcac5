"""Examples to rows that a model takes, each of several examples, one behind the other, without padding.

Rows are of different lengths: with eight short questions to a batch, two fifths of what a padded batch computes are
padding. transformers' models see from the positions, which begin again at zero, where a row ends, and keep rows apart.
`fednode.training.rows_apart` tries whether a model does.

Every token of a pack is compared with every other one, of other rows too, so a batch of many tokens is several packs,
which go through the model one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fednode.data.encode import Example
from fednode.data.padding import IGNORED
from fednode.data.tokens_at_once import grouped


def packed(examples: Sequence[Example], most: int) -> dict[str, Any]:
    """A batch of packs of at most `most` tokens each, but for examples that are longer.

    `packs`: what the model takes, each as `pack` makes it. `labels`: int64 [1, k], those of all packs.
    """
    import torch

    packs = [pack(group) for group in grouped(examples, most)]
    return {"packs": packs, "labels": torch.cat([one["labels"] for one in packs], dim=1)}


def pack(examples: Sequence[Example]) -> dict[str, Any]:
    """One row of T tokens, all tokens of the examples in their order.

    `input_ids`, `position_ids`: int64 [1, T]. `logits_to_keep`: int64 [k], the positions before the tokens of the
    answers, and one more; `labels`: int64 [1, k], IGNORED and then the answers' tokens, so that the logits at position
    i of these k score the label at i + 1, as in `left_padded`.
    """
    import torch

    ids: list[int] = []
    positions: list[int] = []
    before: list[int] = []
    labels = [IGNORED]
    for example in examples:
        first = len(ids) + example.prompt_length
        ids += example.input_ids
        positions += range(len(example.input_ids))
        before += range(first - 1, len(ids) - 1)
        labels += example.input_ids[example.prompt_length :]
    return {
        "input_ids": torch.tensor([ids]),
        "position_ids": torch.tensor([positions]),
        "labels": torch.tensor([labels]),
        "logits_to_keep": torch.tensor([*before, len(ids) - 1]),
        "use_cache": False,  # with a cache, transformers does not look for the ends of rows
    }
