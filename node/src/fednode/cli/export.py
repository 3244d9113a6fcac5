"""`fednode export`: a global adapter as a PEFT folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from fedprotocol.program.terminal import say

from fednode.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    RoundOption,
    global_of,
    open_to_read,
    units_of,
    warn_of_code,
)


def export(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to; it must be new.")],
    number: RoundOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write the adapter as a folder that `PeftModel.from_pretrained` loads: safetensors, config and model card."""
    from fednode.global_model.export import Provenance, export_adapter

    with open_to_read(config) as session:
        warn_of_code(session)
        found, root = global_of(session, number)
        coordinator = session.coordinator
        origin = Provenance(found, root, coordinator.config().spec_digest, coordinator.chain_id, coordinator.address)
        export_adapter(session.spec, units_of(session, root), origin, out)
    say(f"wrote the adapter of round {found} to {out}")
