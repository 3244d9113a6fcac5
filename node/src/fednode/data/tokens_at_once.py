"""How many examples go through a model at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from fednode.data.encode import Example

MOST_TOKENS = {"cpu": 512, "cuda": 2048}
"""How many tokens go through the model at once, by the kind of device. A CPU is as fast with 256 as with more, and with
1,500 in one pack compares so many that training takes twice as long. A GPU wants many at once."""


def grouped(examples: Sequence[Example], most: int) -> list[list[Example]]:
    """The examples in their order, as many to a group as have at most `most` tokens together; a longer one is alone."""
    return _filled(examples, lambda group: sum(len(example.input_ids) for example in group) <= most)


def groups_to_pad(examples: Sequence[Example], most_rows: int, most_tokens: int) -> list[list[Example]]:
    """The examples, the shortest first so that little is padded, in groups of at most `most_rows` that have at most
    `most_tokens` tokens together once they are padded; a longer example is alone."""
    by_length = sorted(examples, key=lambda example: len(example.input_ids))
    return _filled(
        by_length, lambda group: len(group) <= most_rows and len(group) * len(group[-1].input_ids) <= most_tokens
    )


def _filled(examples: Iterable[Example], fits: Callable[[list[Example]], bool]) -> list[list[Example]]:
    """Each example joins the group before it if that still `fits`, and begins a new one otherwise."""
    groups: list[list[Example]] = []
    for example in examples:
        if groups and fits([*groups[-1], example]):
            groups[-1].append(example)
        else:
            groups.append([example])
    return groups
