"""What a spec says of the frozen model under the adapter: all that decides what the model computes from a text.

Weights alone do not: the same tensors with another rotary scaling, another epsilon, another tokenizer or another end
of text are another function. `fednode.base_model.identity` reads all this off a model.
"""

from typing import Annotated, TypeAlias

from pydantic import Field

from fedprotocol.strict import Hex32, Listed, Name, Natural, Part, Positive

Scalar: TypeAlias = bool | int | float | str | None
Setting: TypeAlias = Scalar | Listed[Scalar]


class Text(Part):
    """A text and the ids that the tokenizer makes of it, nothing added around it."""

    text: Annotated[str, Field(min_length=1)]
    tokens: Listed[Natural]


class TokenizerRef(Part):
    """The tokenizer by what it does: its files differ from one form of a model to another.

    `size`: how many tokens; `vocabulary`: sha2-256 over id, NUL, token, NUL of each, in the order of the ids (decimal,
    UTF-8); `start`: ids that it puts before a text; `end`: the id that ends an answer; `texts`: probes.
    """

    size: Positive
    vocabulary: Hex32
    start: Listed[Natural]
    end: Natural
    texts: Annotated[Listed[Text], Field(min_length=1)]


class BaseModelRef(Part):
    """The frozen model under the adapter.

    `digest`: sha2-256 over the sorted (name, dtype, shape, bytes) of its weights, before quantisation. `config`: the
    settings that enter the computation, by their names in transformers; a dot leads into a setting of several parts.
    """

    id: Name
    revision: Name | None
    digest: Hex32
    config: Annotated[dict[Name, Setting], Field(min_length=1)]
    tokenizer: TokenizerRef
