"""`fednode audit`: a bundle that any independent program can check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, open_session, print_json, warn_of_code


def audit(
    number: Annotated[int, typer.Argument(metavar="N", min=1, help="The round; it must be final.")],
    out: Annotated[Path, typer.Option("--out", help="A new or empty folder.")],
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write prior.car, update-<index>.car, global.car and round.json of a round, and recompute it from these files.

    Exits with 1 if the final global is not what the accepted updates give.
    """
    from fedprotocol.tree import cid

    from fednode.audit import write_bundle

    with open_session(config) as session:
        warn_of_code(session)
        result = write_bundle(session.coordinator, session.store, session.spec, number, out)
    if as_json:
        print_json(
            {
                "round": result.round,
                "right": result.right,
                "global_root": "0x" + result.global_root.hex(),
                "recomputed_root": "0x" + result.recomputed_root.hex(),
                "absent": list(result.absent),
                "out": str(out),
            }
        )
    elif result.right:
        say(f"round {number} is right: the bundle in {out} recomputes to {cid(result.global_root)}")
    else:
        say(
            f"round {number} is WRONG: the chain has {cid(result.global_root)}, the accepted updates give "
            f"{cid(result.recomputed_root)}; the bundle in {out} proves it",
            error=True,
        )
    if not result.right:
        raise typer.Exit(1)
