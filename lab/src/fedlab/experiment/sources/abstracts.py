"""Medical abstracts: which of five conditions a paper is about. Schopf et al. 2022, "Evaluating Unsupervised Text
Classification: Zero-shot and Similarity-based Approaches"."""

from __future__ import annotations

import csv

from fednode.data import Row

from fedlab.experiment.sources.pool import Pool, shared_folder, shuffled

CONDITIONS = {"1": " cancer", "2": " digestive", "3": " nervous", "4": " heart", "5": " general"}
TEMPLATE = "Abstract: {prompt}\nField:"
TEST_SHARE = 0.2


def load() -> Pool:
    """Abstract to field of medicine, which is the domain too. Raises NoData."""
    with (shared_folder("medical_abstracts") / "abstracts.csv").open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    rows = shuffled(
        [
            Row(record["medical_abstract"].strip(), answer, answer.strip())
            for record in records
            if (answer := CONDITIONS[record["condition_label"]])
        ]
    )
    test = round(TEST_SHARE * len(rows))
    return Pool(rows[test:], rows[:test], tuple(CONDITIONS.values()), TEMPLATE)
