"""Deploy a federation.

    brownie run deploy plan federation.toml --network <name>     all figures and costs; nothing is sent
    FEDERATION=federation.toml brownie run deploy --network <name>
    brownie run deploy main federation.toml --network <name>

`federation.example.toml` describes the file. The spec that it names supplies the rest. Everything is checked before
the first transaction. What was deployed is written to deployments/<chainid>.json (DEPLOYMENTS_DIR moves the folder),
and beside it the invitation, <chainid>.invitation.json, from which sites and aggregators make their configs.
On development chains the first account of the node deploys, and a demo token is made if the file names none. On other
chains FED_ACCOUNT names a keystore, and FED_PASSWORD_FILE a file with its password.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from fednode.federation import deploy
from fednode.federation.network import Network, SponsorError
from fednode.federation.plan import planned

from scripts.lib.network import ROOT, command


@command
def main(network: Network, path: str = "") -> None:
    """Deploy the federation of the file `path`, or of the one that FEDERATION names."""
    deploy.deploy(network, *deploy.load(_named(path)), _git_commit())


@command
def plan(network: Network, path: str = "", gwei: str = "") -> None:
    """Show what deploying the file `path` would make and cost, at `gwei` a unit of gas or else at the file's price."""
    print("\n".join(planned(network, *deploy.load(_named(path)), gwei)))


def _named(path: str) -> Path:
    named = path or os.environ.get("FEDERATION")
    if not named:
        raise SponsorError("which federation? Set FEDERATION to a file like federation.example.toml")
    return Path(named)


def _git_commit() -> str | None:
    """The commit of HEAD, with a + if the contracts differ from it."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    if head.returncode:
        return None
    changes = subprocess.run(
        ["git", "status", "--porcelain", "contracts", "interfaces"], cwd=ROOT, capture_output=True, text=True
    )
    return head.stdout.strip() + ("+" if changes.stdout else "")
