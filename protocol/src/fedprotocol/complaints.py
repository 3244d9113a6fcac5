"""What is wrong with a config or a document, in plain words: pydantic's speak of tuples, dictionaries and inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

WORDS: Mapping[str, str] = {
    "missing": "this key is missing",
    "extra_forbidden": "unknown key",
    "too_short": "must name at least {min_length}, and names {actual_length}",
    "too_long": "must name at most {max_length}, and names {actual_length}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must be of the form {pattern}",
    "string_type": "must be text in quotes",
    "string_unicode": "must be text in UTF-8",
    "string_not_ascii": "must be plain ASCII text",
    "int_type": "must be a whole number without quotes",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number without quotes",
    "float_parsing": "must be a number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_max_places": "must have at most {decimal_places} decimals",
    "decimal_whole_digits": "must have at most {whole_digits} digits before the point",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false, without quotes",
    "bool_parsing": "must be true or false",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be {le} or less",
    "multiple_of": "must be a multiple of {multiple_of}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "list_type": "must be a list in square brackets",
    "tuple_type": "must be a list in square brackets",
    "set_type": "must be a list in square brackets",
    "frozen_set_type": "must be a list in square brackets",
    "iterable_type": "must be a list in square brackets",
    "dict_type": "must be a section with keys of its own",
    "mapping_type": "must be a section with keys of its own",
    "model_type": "must be a section with keys of its own",
    "model_attributes_type": "must be a section with keys of its own",
    "dataclass_type": "must be a section with keys of its own",
    "invalid_key": "the key must be text",
    "none_required": "must be left out, or null",
    "path_type": "must be a path in quotes",
    "json_type": "must be JSON",
    "json_invalid": "is not valid JSON: {error}",
    "recursion_loop": "must not hold itself",
}
"""Pydantic's kinds of errors that a file or a document can cause -> what is expected, with the figures of the error."""


def complaints(error: ValidationError, root: str = "file") -> list[str]:
    """A line for everything that is wrong: the place, a colon, what must be there. `root`: what the whole is called."""
    items = error.errors(include_url=False, include_input=False)
    # Of what has something wrong in it, that it is too short says nothing.
    wrong = {item["loc"][:end] for item in items for end in range(len(item["loc"]))}
    told = [item for item in items if item["type"] != "too_short" or item["loc"] not in wrong]
    return [f"{place(item, root)}: {complaint(item)}" for item in told]


def place(item: Mapping[str, Any], root: str = "file") -> str:
    """Where in the file or document."""
    return ".".join(map(str, item["loc"])) or root


def complaint(item: Mapping[str, Any]) -> str:
    """What must be there, of one of `ValidationError.errors()`. Words of our own validators are said as they are."""
    words = WORDS.get(item["type"])
    if words is not None:
        return words.format_map(_Known(item.get("ctx", {})))
    said = str(item["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return said.replace("Input should", "must")


class _Known(dict[str, Any]):
    """What an error does not say is left open."""

    def __missing__(self, key: str) -> str:
        return "…"
