"""banking77: what bank customers ask. Casanueva et al. 2020, "Efficient Intent Detection with Dual Sentence Encoders".

It uses sixteen of the 77 intents, four from each of four departments. Each answer is a word whose beginning differs
from all others.
"""

from __future__ import annotations

import csv
from pathlib import Path

from fednode.data import Row

from fedlab.experiment.sources.pool import Pool, shared_folder, shuffled

DESKS = {
    "cards": {
        "card_arrival": " arrival",
        "lost_or_stolen_card": " lost",
        "card_not_working": " broken",
        "card_about_to_expire": " expired",
    },
    "transfers": {
        "cancel_transfer": " cancel",
        "transfer_fee_charged": " fee",
        "beneficiary_not_allowed": " recipient",
        "transfer_timing": " duration",
    },
    "top-up": {
        "automatic_top_up": " automatic",
        "top_up_limits": " limit",
        "top_up_by_cash_or_cheque": " cash",
        "verify_top_up": " verification",
    },
    "account": {
        "change_pin": " pin",
        "exchange_rate": " exchange",
        "age_limit": " age",
        "edit_personal_details": " details",
    },
}
TEMPLATE = "Question: {prompt}\nTopic:"


def load() -> Pool:
    """Question to topic. Raises NoData."""
    folder = shared_folder("banking77")
    classes = tuple(word for intents in DESKS.values() for word in intents.values())
    return Pool(shuffled(_rows(folder / "train.csv")), shuffled(_rows(folder / "test.csv")), classes, TEMPLATE)


def _rows(path: Path) -> list[Row]:
    words = {intent: (word, desk) for desk, intents in DESKS.items() for intent, word in intents.items()}
    with path.open(encoding="utf-8", newline="") as file:
        found = [(record["text"], words.get(record["category"])) for record in csv.DictReader(file)]
    return [Row(text.strip(), *answer) for text, answer in found if answer is not None]
