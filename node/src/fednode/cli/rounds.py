"""`fednode rounds`: the federation's rounds so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedaggregator.cli.rounds import round_entry, show_rounds
from fedaggregator.cli.shared_options import JsonOption

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session

if TYPE_CHECKING:
    from fednode.config import NodeConfig


def rounds(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List every round with its phase, its participants and its global model.

    Loss and accuracy are this site's: what the node found with the test data of its config.
    """
    with open_session(config) as session:
        coordinator = session.coordinator
        scores = _scores(session.config)
        found = [
            {**round_entry(coordinator, number), **scores.get(number, {"loss": None, "accuracy": None})}
            for number in range(1, coordinator.last_opened() + 1)
        ]
    show_rounds(found, as_json)


def _scores(config: NodeConfig) -> dict[int, dict[str, Any]]:
    """Round -> how its global scored here."""
    from fednode.daemon.model.figures import records

    return {
        entry["round"]: {"loss": entry["loss"], "accuracy": entry["accuracy"]}
        for entry in records(config.metrics / "rounds.jsonl")
    }
