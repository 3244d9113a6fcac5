"""`fednode audit`: what `fedaggregator audit` does, with the node's config."""

from __future__ import annotations

from fedaggregator.cli.audit import OutOption, RoundArgument, audit_round
from fedaggregator.cli.shared_options import JsonOption

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption


def audit(
    number: RoundArgument, out: OutOption, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Write the files prior.car, update-<index>.car, global.car and round.json of a round, and recompute it from them.

    Exits with 1 if the final global model is not the average of the accepted updates.
    """
    from fednode.config import load

    audit_round(load(config), number, out, as_json)
