"""What a spec says about the frozen model under the adapter: everything that decides what the model computes from a
text.

The weights alone do not decide it: with another rotary scaling, epsilon, tokenizer or end of text, the same tensors
compute something else. `fednode.base_model.identity` finds all this for a given model.
"""

from typing import Annotated, TypeAlias

from pydantic import Field

from fedprotocol.strict import Hex32, Listed, Name, Natural, Part, Positive

Scalar: TypeAlias = bool | int | float | str | None
Setting: TypeAlias = Scalar | Listed[Scalar]


class Text(Part):
    """A text and the ids that the tokenizer turns it into, without any ids added around it."""

    text: Annotated[str, Field(min_length=1)]
    tokens: Listed[Natural]


class TokenizerRef(Part):
    """A tokenizer, described by what it does, because its files differ from one form of a model to another.

    `size`: how many tokens; `vocabulary`: sha2-256 over id, NUL, token, NUL for each token, in the order of the ids
    (decimal, UTF-8); `start`: ids that it puts before a text; `end`: the id that ends an answer; `texts`: probes.
    """

    size: Positive
    vocabulary: Hex32
    start: Listed[Natural]
    end: Natural
    texts: Annotated[Listed[Text], Field(min_length=1)]


class BaseModelRef(Part):
    """The frozen model under the adapter.

    `digest`: sha2-256 over the sorted (name, dtype, shape, bytes) of its weights, before quantisation. `config`: the
    settings that change what is computed, by their names in transformers; a dot leads into a setting that has several
    parts.
    """

    id: Name
    revision: Name | None
    digest: Hex32
    config: Annotated[dict[Name, Setting], Field(min_length=1)]
    tokenizer: TokenizerRef
