"""The demo's WordNet rows: definitions of four domains. The licence is beside them."""

from __future__ import annotations

import json
from typing import Any

from fednode.data import Row

from fedlab.demo.sites import CLASSES, DATA, DOMAINS, TEMPLATE
from fedlab.experiment.sources.pool import Pool, shuffled


def classes() -> Pool:
    """The task to find the class of a definition."""
    train = [_class_row(record) for site in DOMAINS for record in _records(site)]
    return Pool(shuffled(train), shuffled([_class_row(record) for record in _records("test")]), CLASSES, TEMPLATE)


def terms() -> Pool:
    """The task to define a term, which is scored by its loss alone."""
    train = [_term_row(record) for site in DOMAINS for record in _records(site)]
    test = [_term_row(record) for record in _records("test")]
    return Pool(shuffled(train), shuffled(test), None, "Term: {prompt}\nDefinition:")


def _records(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def _class_row(record: dict[str, Any]) -> Row:
    return Row(record["prompt"], record["completion"], record["domain"])


def _term_row(record: dict[str, Any]) -> Row:
    return Row(record["term"], f" {record['prompt']}", record["domain"])
