"""Where a site's rows are: a file, or a data set that the `datasets` library reads; and which of its rows are meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_serializer, model_validator

HF = "hf:"
_HUB = re.compile(
    r"(?P<hub>[\w.-]+/[\w.-]+)(/(?P<config>[\w.-]+))?(@(?P<revision>[\w./-]+))?(:(?P<split>[\w.-]+))?", re.ASCII
)
_SPLIT = re.compile(r"[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LOCAL = (".", "/", "~")
FORMS = "write hf:org/name:split, hf:org/name/config@revision:split, or hf:./folder:split"


class HfSplit(BaseModel):
    """A split of a data set, written `hf:org/name/config@revision:split` (of the hub) or `hf:./folder:split` (here).

    Just one of `hub` and `folder` is set. `config`, `revision`: of the hub; None: its only one, its newest. `split`
    None: the only one that there is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hub: str | None = None
    folder: Path | None = None
    config: str | None = None
    revision: str | None = None
    split: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        named = given.removeprefix(HF)
        if named.startswith(_LOCAL):
            before, colon, split = named.rpartition(":")
            has_split = bool(colon) and _SPLIT.fullmatch(split) is not None
            return {"folder": before, "split": split} if has_split else {"folder": named}
        found = _HUB.fullmatch(named)
        if found is None or not given.startswith(HF):
            raise ValueError(f"{given!r} names no data set: {FORMS}")
        return found.groupdict()

    @model_serializer
    def _written(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if self.folder is not None:
            where = str(self.folder) if str(self.folder).startswith(_LOCAL) else f"./{self.folder}"
        else:
            where = "/".join(filter(None, (self.hub, self.config))) + (f"@{self.revision}" if self.revision else "")
        return HF + where + (f":{self.split}" if self.split else "")

    @property
    def name(self) -> str:
        """What it is called in short."""
        what = self.folder.name if self.folder is not None else self.hub
        return ":".join(filter(None, (what, self.split)))

    @property
    def is_pinned(self) -> bool:
        """Whether it names one content, and not whatever the hub has today."""
        return self.hub is None or (self.revision is not None and _COMMIT.fullmatch(self.revision) is not None)

    def at(self, commit: str) -> Self:
        return self.model_copy(update={"revision": commit})


def parsed(given: Any) -> Any:
    """A data set for text that begins with `hf:`; all else as it is. Raises ValueError."""
    return HfSplit.model_validate(given) if isinstance(given, str) and given.startswith(HF) else given


DataSource = Annotated[Path | HfSplit, BeforeValidator(parsed)]
Side = Literal["train", "test"]


class Portion(BaseModel):
    """Rows of a file or a data set: all (`side` None), or those of one side, where `share` of them is held out of
    training for scoring (`fednode.data.held_out`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: DataSource
    share: float = 0.0
    side: Side | None = None

    def __str__(self) -> str:
        return str(self.source)

    @property
    def name(self) -> str:
        return self.source.name


def portion(rows: Path | HfSplit | Portion) -> Portion:
    """What is no portion is all of its rows."""
    return rows if isinstance(rows, Portion) else Portion(source=rows)
