"""The parts of strict documents, which have no unknown fields, no conversions and no defaults."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from fedprotocol.printable import printable


class Part(BaseModel):
    """A part of a document that means the same to every version that accepts it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def _seen(name: str) -> str:
    if printable(name) != name:
        raise ValueError("must hold no control characters, line breaks or characters that nobody sees")
    return name


Name = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_seen)]
"""The name of a model, a tensor, a rule or a federation."""
Hex32 = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]
Natural = Annotated[int, Field(ge=0, lt=1 << 31)]
Positive = Annotated[int, Field(ge=1, lt=1 << 31)]
PositiveReal = Annotated[float, Field(gt=0)]
Item = TypeVar("Item")
# JSON has no tuples. The check stops at the first wrong item, because there may be a hundred thousand.
Listed = Annotated[tuple[Item, ...], Field(strict=False, fail_fast=True)]
