"""`deployments/<chainid>.json`: what was deployed, where, from which source. Written by `fednode federation
deploy` and by `brownie run deploy`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fedprotocol.config import Address, Section
from fedprotocol.deployment.invitation import invitation_file
from fedprotocol.errors import FedError
from fedprotocol.files.text import without_bom
from fedprotocol.files.whole import write_whole
from fedprotocol.foreign_errors import in_a_line
from fedprotocol.printable import json_text, printable

SHORTEST_ADDRESS = 6  # characters by which a person may name a coordinator


class DeploymentError(FedError):
    """There is no usable deployment file; the message says which one is missing or what is wrong with it."""


class Deployment(Section):
    """One federation on one chain."""

    chain_id: int
    name: str  # digest of the spec
    coordinator: Address
    token: Address
    demo_token: bool  # whether the deployment made the token, so that its deployer can mint it
    rule: Address
    rule_name: str
    disputes: Address
    gate: Address | None
    deployer: Address
    sponsor: Address
    block: int  # block in which the coordinator was made; its events start here
    time: int  # timestamp of that block
    transactions: dict[str, str]  # contract -> hash of the transaction that made it; no entry if it existed already
    abi_hash: str  # hash of the coordinator's ABI, as `abi_hash` computes it
    git_commit: str | None  # git commit; None if this was no checkout; a trailing "+" means local changes
    spec_digest: str
    genesis_root: str


def abi_hash(abi: list[dict[str, Any]]) -> str:
    """sha2-256 of an ABI as canonical JSON, 0x-hex."""
    text = json.dumps(abi, sort_keys=True, separators=(",", ":"))
    return "0x" + hashlib.sha256(text.encode()).hexdigest()


def save_deployment(deployment: Deployment, folder: Path, is_live: Callable[[str], bool]) -> Path:
    """Write `folder/<chain_id>.json`.

    The file of another federation is kept as `<chain_id>-<coordinator>.json`, unless that coordinator is gone with a
    development chain that was started again. Its invitation is kept with it.

    Args:
        is_live: Whether there is a contract at an address of this chain.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{deployment.chain_id}.json"
    if path.exists() and (old := _coordinator_of(path)) != deployment.coordinator and (old is None or is_live(old)):
        aside = folder / f"{deployment.chain_id}-{old or f'unreadable-{path.stat().st_mtime_ns}'}.json"
        path.rename(aside)
        with suppress(FileNotFoundError):
            invitation_file(path).rename(invitation_file(aside))
    return write_whole(path, json_text(deployment.model_dump(mode="json"), indent=2) + "\n")


def load_deployment(folder: Path, chain_id: int, wanted: str = "") -> Deployment:
    """A federation of the chain: the one last deployed, or the one that `wanted` names.

    Args:
        wanted: the coordinator's address or its beginning, or the federation's name; any case of letters.

    Raises:
        DeploymentError: no such file, or not one that a deployment wrote; `wanted` names none, or several.
    """
    if not wanted:
        return _read(folder / f"{chain_id}.json", chain_id)
    known = deployments(folder, chain_id)
    found = [one for one in known if _is_meant(one, wanted.lower())]
    if len(found) == 1:
        return found[0]
    listed = "; ".join(f"{one.coordinator} ({one.name})" for one in found or known) or f"none, in {folder}"
    count = "several federations are" if found else "no federation is"
    raise DeploymentError(
        f"{count} called {printable(wanted)} on chain {chain_id}: name one by its address. There are: {listed}"
    )


def deployments(folder: Path, chain_id: int) -> list[Deployment]:
    """Every federation of the chain that has a file, the newest first. Files of another form are left out."""
    found = []
    for path in (folder / f"{chain_id}.json", *folder.glob(f"{chain_id}-0x*.json")):
        with suppress(DeploymentError):
            found.append(_read(path, chain_id))
    return sorted(found, key=lambda one: one.block, reverse=True)


def _is_meant(deployment: Deployment, wanted: str) -> bool:
    is_address = wanted.startswith("0x") and len(wanted) >= SHORTEST_ADDRESS
    return deployment.name.lower() == wanted or (is_address and deployment.coordinator.lower().startswith(wanted))


def _read(path: Path, chain_id: int) -> Deployment:
    try:
        return Deployment.model_validate_json(without_bom(path.read_bytes()))
    except FileNotFoundError:
        raise DeploymentError(
            f"nothing is deployed on chain {chain_id}: there is no {path}; deploy there, or set DEPLOYMENTS_DIR to the "
            "folder that holds it"
        ) from None
    except OSError as error:
        raise DeploymentError(f"{path} cannot be read: {error.strerror}") from error
    except Exception as error:  # pydantic's
        raise DeploymentError(f"{path} is not a deployment file: {in_a_line(error)}") from error


def _coordinator_of(path: Path) -> str | None:
    try:
        return Deployment.model_validate_json(path.read_bytes()).coordinator
    except (OSError, ValidationError):
        return None
