"""What pydantic finds wrong is said in words that mean something to whoever wrote the file."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pytest
from fedprotocol.complaints import WORDS, complaint, complaints
from fedprotocol.config import ConfigError, ConnectionConfig, load_config
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core.core_schema import ErrorType

FOREIGN = ("Input", "should", "Tuple", "tuple", "dictionary", "instance", "valid ", "pydantic", "item", "error, ")


class Kind(StrEnum):
    NF4 = "nf4"
    BF16 = "bf16"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    n: int = Field(ge=1, lt=10)


class Everything(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    text: Annotated[str, Field(min_length=2, max_length=4, pattern="^a")] = "ab"
    whole: Annotated[int, Field(gt=0, le=9, multiple_of=3)] = 3
    number: float = 1.0
    money: Annotated[Decimal, Field(max_digits=4, decimal_places=2)] = Decimal(1)
    yes: bool = True
    kind: Kind = Kind.NF4
    choice: Literal["a", "b"] = "a"
    several: Annotated[tuple[int, ...], Field(min_length=1, max_length=2)] = (1,)
    named: dict[str, int] = Field(default_factory=dict)
    path: Path = Path()
    nothing: None = None
    inner: Inner = Inner(n=1)

    @field_validator("choice")
    @classmethod
    def _no_b(cls, value: str) -> str:
        if value == "b":
            raise ValueError("b is taken: choose a")
        return value


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": 5}, "text: must be text in quotes"),
        ({"text": "a"}, "text: must have at least 2 characters"),
        ({"text": "aaaaa"}, "text: must have at most 4 characters"),
        ({"text": "bb"}, "text: must be of the form ^a"),
        ({"whole": "x"}, "whole: must be a whole number"),
        ({"whole": None}, "whole: must be a whole number without quotes"),
        ({"whole": 1.5}, "whole: must be a whole number"),
        ({"whole": 0}, "whole: must be above 0"),
        ({"whole": 12}, "whole: must be 9 or less"),
        ({"whole": 4}, "whole: must be a multiple of 3"),
        ({"number": "x"}, "number: must be a number"),
        ({"number": float("inf")}, "number: must be a finite number"),
        ({"money": "x"}, "money: must be a number"),
        ({"money": "1.234"}, "money: must have at most 2 decimals"),
        ({"yes": "maybe"}, "yes: must be true or false"),
        ({"yes": []}, "yes: must be true or false, without quotes"),
        ({"kind": "int8"}, "kind: must be 'nf4' or 'bf16'"),
        ({"choice": "c"}, "choice: must be 'a' or 'b'"),
        ({"choice": "b"}, "choice: b is taken: choose a"),
        ({"several": []}, "several: must name at least 1, and names 0"),
        ({"several": [1, 2, 3]}, "several: must name at most 2, and names 3"),
        ({"several": 5}, "several: must be a list in square brackets"),
        ({"several": ["x"]}, "several.0: must be a whole number"),
        ({"named": 5}, "named: must be a section with keys of its own"),
        ({"path": 5}, "path: must be a path in quotes"),
        ({"nothing": 5}, "nothing: must be left out, or null"),
        ({"inner": 5}, "inner: must be a section with keys of its own"),
        ({"inner": {}}, "inner.n: this key is missing"),
        ({"inner": {"n": 0}}, "inner.n: must be 1 or more"),
        ({"inner": {"n": 10}}, "inner.n: must be below 10"),
        ({"inner": {"n": 1, "m": 2}}, "inner.m: unknown key"),
        ([], "file: must be a section with keys of its own"),
    ],
)
def test_in_plain_words(given: Any, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate(given)
    assert complaints(caught.value) == [said]


def test_json_that_is_none() -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate_json('{"text": ')
    (said,) = complaints(caught.value, "document")
    assert said.startswith("document: is not valid JSON: EOF")


def test_every_kind_that_we_put_into_words_exists_and_says_nothing_of_pydantic() -> None:
    assert not WORDS.keys() - set(get_args(ErrorType)) - {"path_type"}
    for kind, words in WORDS.items():
        assert not any(word in words.replace("is not valid JSON", "") for word in FOREIGN), kind


def test_what_nobody_foresaw_is_said_all_the_same() -> None:
    assert complaint({"type": "time_parsing", "msg": "Input should be in a valid time format", "loc": ()}) == (
        "must be in a valid time format"
    )


def test_a_config_without_an_rpc_and_a_draft_by_the_name_that_it_will_have(tmp_path: Path) -> None:
    draft = tmp_path / "fednode.toml.x.partial"
    draft.write_text('[chain]\nrpc = []\nchain_id = 0\ncoordinator = "0x"\n[store]\nurl = "dir:a"\n')
    with pytest.raises(ConfigError) as caught:
        load_config(draft, ConnectionConfig, Path("fednode.toml"))
    lines = str(caught.value).splitlines()
    assert lines[0] == "config file fednode.toml:" and "partial" not in str(caught.value)
    assert "  chain.rpc: must name at least 1, and names 0" in lines and "  chain.chain_id: must be above 0" in lines
