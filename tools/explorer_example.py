#!/usr/bin/env python3
"""Make docs/explorer-example again (`make explorer-example`): the pages of a small federation in which a wrong proposal
is convicted."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from support.evm import Anvil
from support.example_federation import ANVIL_OPTIONS, ExampleFederation

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "docs" / "explorer-example"
TITLE = "Three sites"


def make(folder: Path) -> None:
    """Play the federation, and write its pages to `folder`, which must be new or empty."""
    with tempfile.TemporaryDirectory() as scratch, Anvil(*ANVIL_OPTIONS) as chain:
        store, names = Path(scratch, "store"), Path(scratch, "names.toml")
        example = ExampleFederation(chain, store)
        names.write_text("".join(f'"{address}" = "{name}"\n' for address, name in example.names.items()))
        given = {
            "coordinator": example.address,
            "rpc": chain.url,
            "store": f"dir:{store}",
            "names": names,
            "title": TITLE,
            "home": Path(scratch, "home"),
        }
        options = [f"--{name}={value}" for name, value in given.items()]
        subprocess.run([Path(sys.executable).with_name("fedexplorer"), "export", folder, *options], check=True)


if __name__ == "__main__":
    shutil.rmtree(EXAMPLE, ignore_errors=True)
    make(EXAMPLE)
