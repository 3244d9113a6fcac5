"""What one program has the other has too, unless it takes data, a seat or a model."""

from __future__ import annotations

from typing import Any

import pytest
from support.command_lines import every_leaf, program

OF_NODES_ALONE = {
    "spec": "the sponsor's",
    "cost": "the sponsor's",
    "federation": "the sponsor's",
    "data": "takes data",
    "policy": "takes data: it says what may leave",
    "privacy": "takes data: it says what training on them has cost",
    "join": "takes a seat",
    "exit": "takes a seat",
    "challenge": "`fedaggregator watch` does it",
    "evaluate": "takes the model",
    "generate": "takes the model",
    "export": "takes the model",
    "push": "takes the model",
    "serve": "takes the model",
    "track": "takes data: it hands on what training on them has shown",
}
OF_AGGREGATORS_ALONE = {
    "bench": "measures what aggregators are paid for",
}
TWO_THINGS = {"watch"}  # an aggregator that does not propose, and a look at a node that works
OPTIONS_OF_NODES_ALONE = {
    "init": {"--train", "--test", "--model"},  # data and model
    "run": {"--dry-run"},  # `fedaggregator watch --dry-run`
}
"""What a node's command has besides. An aggregator's has nothing besides."""


def commands(name: str) -> dict[str, Any]:
    """Of a program, by their names; those of a group as `account new`."""
    return {" ".join(path): command for path, command in every_leaf(program(name))}


def options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")}


NODE, AGGREGATOR = (commands(name) for name in ("fednode", "fedaggregator"))


def test_each_has_the_commands_of_the_other() -> None:
    missing = {path for path in NODE.keys() - AGGREGATOR.keys() if path.split()[0] not in OF_NODES_ALONE}
    assert not missing
    assert AGGREGATOR.keys() - NODE.keys() == OF_AGGREGATORS_ALONE.keys()


def test_nobody_is_excused_for_what_is_not_there() -> None:
    assert OF_NODES_ALONE.keys() <= {path.split()[0] for path in NODE.keys() - AGGREGATOR.keys()}


@pytest.mark.parametrize("path", sorted(NODE.keys() & AGGREGATOR.keys() - TWO_THINGS))
def test_a_command_of_both_has_the_same_options(path: str) -> None:
    besides = OPTIONS_OF_NODES_ALONE.get(path, set())
    assert options(NODE[path]) - options(AGGREGATOR[path]) == besides
    assert options(AGGREGATOR[path]) <= options(NODE[path])


def test_both_say_their_version_and_show_where_errors_come_from() -> None:
    for name in ("fednode", "fedaggregator"):
        assert {"--version", "--debug"} <= options(program(name))


@pytest.mark.parametrize("name", ["fednode", "fedaggregator"])
def test_every_command_takes_its_config_from_the_environment_too(name: str) -> None:
    found = {
        path: parameter.envvar
        for path, command in commands(name).items()
        for parameter in command.params
        if "--config" in parameter.opts
    }
    assert len(found) > 8
    assert set(found.values()) == {f"{name.upper()}_CONFIG"}


@pytest.mark.parametrize("name", ["fednode", "fedaggregator"])
def test_what_people_read_is_there_as_json_too(name: str) -> None:
    found = commands(name)
    for path in ("status", "rounds", "doctor", "audit"):
        assert "--json" in options(found[path])
