"""`fednode privacy`: what training has cost in privacy, and what it will."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fedaggregator.cli.shared_options import JsonOption
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_to_read, print_json

if TYPE_CHECKING:
    from fednode.config import PrivacyConfig
    from fednode.differential_privacy.ledger import Entry


def privacy(
    rounds: Annotated[
        int | None,
        typer.Option(min=1, help="How many rounds to plan. Default: as many as the federation has in all."),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    r"""Show how much differential privacy training has spent, and what the next round and a whole federation cost.

    It needs \[privacy] in the config, and the federation's spec, of which it takes the kept copy if the chain does not
    answer. Nothing is trained or written. Exits with 1 if the budget does not pay for another round.
    """
    from fedprotocol.errors import FedError
    from fedprotocol.program.slow_work import told_if_slow

    from fednode.differential_privacy.budget import affordable, cost_of_round, plan, settings_for
    from fednode.differential_privacy.ledger import Ledger
    from fednode.site_data import site_rows, spec_if_known, train_rows

    with open_to_read(config) as session:
        settings = session.config.privacy
        if settings is None:
            raise FedError("there is no [privacy] in the config: this site trains without noise")
        spec = spec_if_known(session)
        if spec is None:
            raise FedError("the federation's spec is not known here yet, so a round's cost is not: try again online")
        settings_for(session.config, spec)
        path = session.config.privacy_ledger
        spent = Ledger(path).entries()
        planned = rounds or spec.training.rounds
        with told_if_slow("reading the rows"):
            rows = len(site_rows(session.config, train_rows(session.config), spec))
        cost = cost_of_round(settings, spec, rows)
        with told_if_slow("counting what was spent"):
            found = plan(settings, spent, cost, planned)
            left = affordable(settings, spent, cost, planned)
    if as_json:
        told = {"rows": rows, "rounds_planned": planned, "rounds_left": left, "ledger": str(path)}
        entries = [_as_json(entry) for entry in spent]
        print_json({**settings.model_dump(mode="json"), **asdict(cost), **asdict(found), **told, "entries": entries})
    else:
        say(*_told(settings, spent))
        say(
            f"a round: {cost.steps} steps, each row of {rows} in a step with probability {cost.rate:.3g}, "
            f"noise {cost.noise:g}, clip {settings.clip:g}",
            f"after one more round: epsilon {found.next_round:.3g}",
            f"after {planned} more: epsilon {found.whole:.3g}",
            f"the budget pays for {left if left < planned else f'all {planned}'} of them",
        )
    if not left:
        raise typer.Exit(1)


def _told(settings: PrivacyConfig, spent: tuple[Entry, ...]) -> list[str]:
    from fednode.differential_privacy.accountant import epsilon

    now = epsilon((entry.cost for entry in spent), settings.delta)
    budget = f"epsilon {now:.3g} of {settings.budget:g} is spent (delta {settings.delta:g}, for one row)"
    return [budget, *(f"  round {one.round}: {one.steps} steps, epsilon {one.epsilon:.3g} after it" for one in spent)]


def _as_json(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "prior_root": "0x" + entry.prior_root.hex()}
