"""The page about the JSON under `/api`: the OpenAPI document in words, without a program from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
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

WORDS = {"integer": "whole number", "string": "text", "boolean": "true or false"}

Schema = Mapping[str, Any]


class Part(Model):
    """A piece of a sentence; `of` is the name of the object that it stands for, or empty."""

    text: str
    of: str


class Type(Model):
    """What a value is, in words."""

    parts: tuple[Part, ...]


class Field(Model):
    """A parameter of a question, or a field of an answer. `place` is path or query for a parameter."""

    name: str
    type: Type
    place: str
    is_needed: bool
    says: str


class Question(Model):
    """An address under `/api`, and what it answers."""

    method: str
    path: str
    name: str
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

    made = cache(lambda: page_of(app.openapi()))

    def build(site: Site) -> ApiPage:  # noqa: ARG001
        """The document of this API."""
        return made()

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
        for method, asked in methods.items():
            yield Question(
                method=method.upper(),
                path=path,
                name=_first_sentence(asked.get("description", "")) or asked.get("summary", path),
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
                answer=_answer(asked["responses"]),
            )


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].rstrip(".")


def _answer(responses: Schema) -> Type:
    """What is answered if all is well."""
    good = [given for status, given in responses.items() if status.startswith("2")]
    content = good[0].get("content", {}) if good else {}
    if "application/json" in content:
        return type_of(content["application/json"].get("schema", {}))
    return Type(parts=(_plain(" or ".join(content) or "nothing"),))


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
    options = (schema, *schema.get("anyOf", ()))
    bounds = [words.format(option[key]) for option in options for key, words in BOUNDS.items() if key in option]
    return Type(parts=(*_parts(schema), *(_plain(f", {bound}") for bound in bounds)))


def _plain(text: str) -> Part:
    return Part(text=text, of="")


def _parts(schema: Schema) -> Iterator[Part]:
    options = schema.get("anyOf") or schema.get("oneOf")
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(REFERENCE)
        yield Part(text=name, of=name)
    elif options:
        yield from _joined(options, " or ")
    elif schema.get("type") == "array":
        yield _plain("list of ")
        yield from _joined(schema.get("prefixItems") or [schema.get("items", {})], ", ")
    elif isinstance(schema.get("additionalProperties"), Mapping):
        yield _plain("object of ")
        yield from _parts(schema["additionalProperties"])
    elif "enum" in schema or "const" in schema:
        yield _plain(", ".join(map(str, schema.get("enum", [schema.get("const")]))))
    else:
        kind = str(schema.get("type", "anything"))
        yield _plain(WORDS.get(kind, kind))


def _joined(schemas: Iterable[Schema], between: str) -> Iterator[Part]:
    for number, schema in enumerate(schemas):
        if number:
            yield _plain(between)
        yield from _parts(schema)
