"""The commands under tests/trials, most of which no test runs, ask the packages only for what there is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {source.name: source.parent for source in ROOT.glob("*/src/fed*")}
TRIALS = sorted((ROOT / "tests/trials").rglob("*.py"))


@cache
def names_in(module: str) -> frozenset[str] | None:
    """What can be imported from a module of the packages; None: there is no such module."""
    package, *path = module.split(".")
    place = SOURCES[package].joinpath(package, *path)
    file = next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)
    if file is None:
        return None
    beside = {child.stem for child in place.iterdir()} if place.is_dir() else set()
    return frozenset(beside | set(defined(ast.parse(file.read_text()).body)))


def defined(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name for alias in names)
            case ast.Assign(targets=targets):
                yield from (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.If(body=inner, orelse=other):
                yield from defined([*inner, *other])


def absent(text: str) -> list[str]:
    """What a source imports of the packages and is not there."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in SOURCES:
            there = names_in(node.module)
            found += [f"{node.module}: {a.name}" for a in node.names if there is None or a.name not in there]
    return found


@pytest.mark.parametrize("path", TRIALS, ids=lambda path: str(path.relative_to(ROOT / "tests/trials")))
def test_what_it_imports_is_there(path: Path) -> None:
    assert absent(path.read_text()) == []


def test_what_is_not_there_is_seen() -> None:
    assert len(TRIALS) > 20
    source = "from fednode.config import NodeConfig, Nothing\nfrom fednode.nowhere import load\n"
    assert absent(source) == ["fednode.config: Nothing", "fednode.nowhere: load"]
