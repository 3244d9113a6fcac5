"""`fednode doctor`: is everything there?"""

from __future__ import annotations

from dataclasses import asdict

import typer
from fedaggregator.cli.shared_options import JsonOption
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session, print_json


def doctor(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check everything that a node needs, and name the command that repairs each fault.

    It looks at the chain, account, seat, store, spec, data, disk, model and speed. Nothing large is downloaded. Exits
    with 1 if something is not right.
    """
    from fedprotocol.program.doctor import CheckResult, as_text

    from fednode.doctor import examine

    results: list[CheckResult] = []
    with open_session(config) as session:
        for result in examine(session, config):
            results.append(result)
            if not as_json:
                say(*as_text(result))
    if as_json:
        print_json([asdict(result) for result in results])
    if not all(result.ok for result in results):
        raise typer.Exit(1)
