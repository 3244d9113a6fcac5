"""What a node knows, for decisions: each fact by its name alone, whichever part of `Facts` it belongs to."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from fednode.daemon.facts import Facts

PARTS = ("remembered", "configured", "underway")


def node_facts(**values: Any) -> Facts:
    """`values` by the names of the fields of `Remembered`, `Configured`, `Underway` and `Facts`."""
    return changed(Facts(), **values)


def changed(facts: Facts, **values: Any) -> Facts:
    """`facts` with other `values`, named as in `node_facts`."""
    for part in PARTS:
        known = getattr(facts, part)
        own = {field.name: values.pop(field.name) for field in fields(known) if field.name in values}
        facts = replace(facts, **{part: replace(known, **own)})
    return replace(facts, **values)
