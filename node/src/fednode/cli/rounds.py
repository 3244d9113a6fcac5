"""`fednode rounds`: the federation's rounds so far."""

from __future__ import annotations

from typing import Any

from fedaggregator.cli.rounds import round_entry, show_rounds
from fedaggregator.cli.shared_options import JsonOption
from fedprotocol.program.slow_work import told_if_slow

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_to_read

UNSCORED = {"loss": None, "accuracy": None}


def rounds(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List every round with its phase, its participants and its global model.

    Loss and accuracy are this site's: what the node found with the test data of its config.
    """
    from fednode.figure_files import scores

    with open_to_read(config) as session:
        coordinator = session.coordinator
        scored = scores(session.config.metrics)
        last = coordinator.last_opened()
        found: list[dict[str, Any]] = []
        with told_if_slow("reading the rounds") as work:
            for number in range(1, last + 1):
                found.append({**round_entry(coordinator, number), **scored.get(number, UNSCORED)})
                work.at(number, last)
    show_rounds(found, as_json)
