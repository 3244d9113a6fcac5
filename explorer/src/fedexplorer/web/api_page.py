"""The page about the JSON under `/api`: the OpenAPI document in words, without a program from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from fedexplorer.views.site import Site
from fedexplorer.views.view import Model, Parameters, View

REFERENCE = "#/components/schemas/"
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matches {}",
}

Schema = Mapping[str, Any]


class Type(Model):
    """What a value is: `text` in words, and the names of `schemas` that it is made of."""

    text: str
    schemas: tuple[str, ...]


class Field(Model):
    """A parameter of a question, or a field of an answer. `place` is path or query for a parameter."""

    name: str
    type: Type
    place: str
    is_needed: bool
    says: str


class Question(Model):
    """An address that answers with JSON."""

    name: str
    path: str
    says: str
    parameters: tuple[Field, ...]
    answer: Type


class Shape(Model):
    """An object in an answer; or one of `choices`, if it has no fields."""

    name: str
    says: str
    fields: tuple[Field, ...]
    choices: tuple[str, ...]


class ApiPage(Model):
    """Everything that can be asked for, and what the answers look like."""

    title: str
    says: str
    questions: tuple[Question, ...]
    schemas: tuple[Shape, ...]


def api_view(app: FastAPI) -> View:
    """The page about the JSON that `app` serves."""

    def build(site: Site) -> ApiPage:  # noqa: ARG001
        """The document of this API."""
        return page_of(app.openapi())

    return View("api", "/api", build, pages=_none)


def _none(_: Site) -> Iterable[Parameters]:
    """An export has the JSON, but nobody who answers questions."""
    return ()


def page_of(document: Schema) -> ApiPage:
    """The page about an OpenAPI document."""
    schemas = document.get("components", {}).get("schemas", {})
    return ApiPage(
        title=document["info"]["title"],
        says=document["info"].get("description", ""),
        questions=tuple(_questions(document["paths"])),
        schemas=tuple(
            _schema(name, of) for name, of in sorted(schemas.items()) if not name.endswith("ValidationError")
        ),
    )


def _questions(paths: Schema) -> Iterator[Question]:
    for path, methods in paths.items():
        asked = methods["get"]
        answer = asked["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
        yield Question(
            name=asked.get("summary", path),
            path=path,
            says=asked.get("description", ""),
            parameters=tuple(
                Field(
                    name=given["name"],
                    type=type_of(given["schema"]),
                    place=given["in"],
                    is_needed=given.get("required", False),
                    says=given.get("description", ""),
                )
                for given in asked.get("parameters", ())
            ),
            answer=type_of(answer),
        )


def _schema(name: str, schema: Schema) -> Shape:
    needed = schema.get("required", ())
    fields = [
        Field(
            name=field,
            type=type_of(of),
            place="",
            is_needed=field in needed,
            says=of.get("description", ""),
        )
        for field, of in schema.get("properties", {}).items()
    ]
    says = schema.get("description", "")
    return Shape(name=name, says=says, fields=tuple(fields), choices=tuple(map(str, schema.get("enum", ()))))


def type_of(schema: Schema) -> Type:
    """A JSON schema in words."""
    names: list[str] = []
    text = _in_words(schema, names.append)
    bounds = [words.format(schema[key]) for key, words in BOUNDS.items() if key in schema]
    for option in schema.get("anyOf", ()):
        bounds += [words.format(option[key]) for key, words in BOUNDS.items() if key in option]
    return Type(text=", ".join((text, *bounds)), schemas=tuple(dict.fromkeys(names)))


def _in_words(schema: Schema, meet: Callable[[str], None]) -> str:
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(REFERENCE)
        meet(name)
        return name
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_in_words(option, meet) for option in schema[key]))
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    match schema.get("type"):
        case "array":
            kinds = schema.get("prefixItems") or [schema.get("items", {})]
            return "list of " + ", ".join(_in_words(kind, meet) for kind in kinds)
        case "object":
            inner = schema.get("additionalProperties")
            return "object" if not isinstance(inner, Mapping) else f"object of {_in_words(inner, meet)}"
        case "integer":
            return "whole number"
        case "string":
            return "text"
        case "boolean":
            return "true or false"
        case "null":
            return "null"
        case None:
            return "anything"
        case other:
            return str(other)
