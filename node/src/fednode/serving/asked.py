"""What a client asks for, as OpenAI's API has it: https://platform.openai.com/docs/api-reference.

What would change the answer and is not available is refused; what would not (`user`, `store`, a penalty of 0) is
ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from fednode.data.messages import turns_of
from fednode.data.turns import Turn
from fednode.serving.errors import Refused
from fednode.training.types import Choice

USUAL_LENGTH = 256
"""Tokens of an answer where the client names no limit."""

MISSING = {  # with the values that ask for nothing
    "n": (None, 1),
    "best_of": (None, 1),
    "echo": (None, False),
    "suffix": (None, ""),
    "logprobs": (None, False),
    "top_logprobs": (None, 0),
    "logit_bias": (None, {}),
    "presence_penalty": (None, 0),
    "frequency_penalty": (None, 0),
    "tools": (None, []),
    "functions": (None, []),
    "response_format": (None, {"type": "text"}),
    "modalities": (None, ["text"]),
}


def _listed(given: object) -> object:
    return [] if given is None else [given] if isinstance(given, str) else given


class StreamOptions(BaseModel):
    include_usage: bool = False


class Asked(BaseModel):
    """What both kinds of request have."""

    model_config = ConfigDict(extra="allow")

    model: str
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=0, lt=1 << 63)
    stop: Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(_listed), Field(max_length=4)] = []
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @model_validator(mode="after")
    def _asks_for_what_there_is(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            if name in MISSING and value not in MISSING[name]:
                raise ValueError(f"{name} = {value!r:.60} is not available here: leave it out")
        return self

    @property
    def choice(self) -> Choice:
        """How tokens are chosen: without a temperature the likeliest ones, as in `fednode generate`."""
        return Choice(self.temperature or 0.0, self.top_p or 1.0, self.seed)

    @property
    def most(self) -> int:
        """Greatest length of the answer, in tokens."""
        return self.max_tokens or USUAL_LENGTH

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with the counts of tokens."""
        return self.stream_options is not None and self.stream_options.include_usage


class AskedCompletion(Asked):
    """`prompt` goes into the spec's template, as in `fednode generate`."""

    prompt: Annotated[list[str], BeforeValidator(_listed), Field(min_length=1, max_length=1)]

    @property
    def turns(self) -> list[Turn]:
        return [("user", self.prompt[0])]


class AskedChat(Asked):
    """`messages` end with the user's; they become what those of a site's data do."""

    messages: list[dict[str, Any]]
    max_completion_tokens: int | None = Field(default=None, ge=1)

    @property
    def most(self) -> int:
        return self.max_completion_tokens or super().most

    @property
    def turns(self) -> list[Turn]:
        """Raises Refused if the messages are none that a site could have learned from."""
        turns = turns_of(self.messages)
        if isinstance(turns, str):
            raise Refused(turns, parameter="messages")
        if turns[-1][0] != "user":
            raise Refused(
                f"messages end with the role {turns[-1][0]}; the last must be the user's", parameter="messages"
            )
        return turns


Kind = TypeVar("Kind", bound=Asked)


def read(kind: type[Kind], body: bytes) -> Kind:
    """Raises Refused, naming the first thing that is wrong."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise Refused(f"{place}: {message}" if place else message, parameter=place or None) from error
