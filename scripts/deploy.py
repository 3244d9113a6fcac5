"""Deploy a federation.

    FEDERATION=federation.toml brownie run deploy --network <name>
    brownie run deploy main federation.toml --network <name>

The file is described by `federation.example.toml`; the spec it names supplies the rest. Everything is checked before
the first transaction. What was deployed is written to deployments/<chainid>.json (DEPLOYMENTS_DIR moves the folder).
On development chains the node's first account deploys and a demo token is made if none is named; elsewhere FED_ACCOUNT
names a keystore (FED_PASSWORD_FILE: its password).
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import brownie
from brownie import AllowlistGate, DemoToken, Disputes, FederationCoordinator, web3
from fedaggregator import bond
from fedaggregator.rules import rule_named
from fedprotocol.chain.coordinator import Coordinator
from fedprotocol.chain.trust import examine, foreign
from fedprotocol.config import ConfigError
from fedprotocol.deployment import Deployment, abi_hash, save_deployment
from fedprotocol.federation import (
    Contracts,
    Federation,
    FederationError,
    coordinator_config,
    load_federation,
    to_units,
)
from fedprotocol.spec import MAX_SPEC_BYTES, Spec, check_against, load_spec, spec_digest
from fedprotocol.tree import cid, raw_cid

from scripts.lib import token as tokens
from scripts.lib.contracts import bound, create, establish
from scripts.lib.network import ROOT, ScriptError, command, deployments_dir, is_development, sender

DEMO_DECIMALS = 18


@command
def main(path: str = "") -> None:
    """Deploy the federation of the file `path`, or of the one that FEDERATION names."""
    named = path or os.environ.get("FEDERATION")
    if not named:
        raise ScriptError("which federation? Set FEDERATION to a file like federation.example.toml")
    federation = load_federation(Path(named).expanduser())
    document = _read_spec(federation.spec)
    spec = load_spec(document)
    account = sender()
    decimals = _check(federation, account)

    transactions: dict[str, str | None] = {}
    federation = bond.settled(federation, spec, decimals)
    contracts = _prerequisites(federation, spec, account, transactions)
    token = tokens.reader(contracts.token)
    sponsor = federation.money.sponsor or account.address
    config = coordinator_config(federation, spec, spec_digest(document), contracts, sponsor, token.decimals())
    address, created_by = establish(FederationCoordinator, account, _as_struct(config))
    coordinator = Coordinator.connect(web3.provider.endpoint_uri, address, web3.eth.chain_id)
    check_against(spec, spec_digest(document), coordinator.config())

    transactions["coordinator"] = created_by
    created = web3.eth.get_transaction_receipt(created_by)["blockNumber"]
    deployment = Deployment(
        chain_id=web3.eth.chain_id,
        name=spec.name,
        coordinator=address,
        token=contracts.token,
        demo_token=federation.money.token is None,
        rule=contracts.rule,
        rule_name=bound(contracts.rule, "rule").name(),
        disputes=contracts.disputes,
        gate=contracts.gate,
        deployer=account.address,
        sponsor=sponsor,
        block=created,
        time=web3.eth.get_block(created)["timestamp"],
        transactions={what: hash_ for what, hash_ in transactions.items() if hash_ is not None},
        abi_hash=abi_hash(FederationCoordinator.abi),
        git_commit=_git_commit(),
        spec_digest="0x" + spec_digest(document).hex(),
        genesis_root=spec.genesis_root,
    )
    written = save_deployment(deployment, deployments_dir(), is_live=lambda old: bool(web3.eth.get_code(old)))
    _report(deployment, written)
    _verify(coordinator)
    print(f"  {'bond':<12} {tokens.show(config['bondBase'], token.decimals())} {token.symbol()}")
    if federation.money.pool:
        amount = to_units("pool", federation.money.pool, token.decimals())
        tokens.ensure_balance(token, account, amount, deployment.demo_token)
        tokens.fund(token, account, address, amount)
        print(f"The pool holds {tokens.show(coordinator.balances().pool, token.decimals())} {token.symbol()}")
    else:
        print("The pool is empty: `brownie run fund` fills it, rounds open only while it can pay for one")


def _verify(coordinator: Coordinator) -> None:
    """What programs will ask before they put anything in. Only a gate may be the sponsor's own."""
    parts = examine(coordinator)
    unknown = foreign(parts)
    if any(part.role != "gate" for part in unknown):
        raise ScriptError(
            f"{'; '.join(map(str, unknown))}. No site will join: deploy with the contracts of this version, or run "
            "tools/export_abi.py and give the sites the version of the programs that it makes"
        )
    print(f"  {'code':<12} {', '.join(part.role for part in parts if part.is_known)}: of this version")
    for part in unknown:
        print(f'  {"":<12} {part.role}: sites must write [chain] trusted_code = ["{part.hash}"]')


def _read_spec(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SPEC_BYTES + 1)
    except OSError as error:
        raise FederationError(f"spec = {path} cannot be read ({error.strerror}); see `fednode spec new`") from error


def _check(federation: Federation, account: Any) -> int:
    """What can be known to be wrong before anything is deployed; returns the token's decimals."""
    money, gate = federation.money, federation.members.gate
    if not account.balance():
        raise ScriptError(f"{account.address} has no ether on chain {web3.eth.chain_id} to pay for transactions with")
    if money.token is None:
        if not is_development():
            raise ConfigError("money.token: name an ERC-20 token; one is only made on development chains")
        decimals = DEMO_DECIMALS
    else:
        token = tokens.reader(money.token)
        decimals = token.decimals()
        tokens.ensure_balance(token, account, to_units("pool", money.pool, decimals), demo=False)
    if federation.proof.ether is None and not is_development():
        raise ConfigError("proof.ether: say how many tokens an ether is worth; the bond is priced by it")
    for key in ("round_reward", "min_stake", "stake_per_example", "penalty", "pool"):
        to_units(key, getattr(money, key), decimals)
    if money.bond is not None:
        to_units("bond", money.bond, decimals)
    if gate is not None and not web3.eth.get_code(gate):
        raise ConfigError(f"members.gate: there is no contract at {gate} on chain {web3.eth.chain_id}")
    return decimals


def _prerequisites(federation: Federation, spec: Spec, account: Any, transactions: dict[str, str | None]) -> Contracts:
    """Deploy what the coordinator is constructed with, and is not there yet; adds to `transactions`."""
    token, gate = federation.money.token, federation.members.gate
    if token is None:
        token, transactions["token"] = create(DemoToken, account, account.address)
    if federation.members.allowlist:
        gate, transactions["gate"] = create(
            AllowlistGate, account, federation.money.sponsor or account.address, list(federation.members.allowlist)
        )
    rule, transactions["rule"] = establish(getattr(brownie, rule_named(spec.rule).contract), account)
    disputes, transactions["disputes"] = establish(Disputes, account)
    return Contracts(token=token, rule=rule, disputes=disputes, gate=gate)


def _as_struct(config: dict[str, Any]) -> tuple[Any, ...]:
    """In the order of the constructor's struct, whatever that is."""
    [constructor] = [entry for entry in FederationCoordinator.abi if entry["type"] == "constructor"]
    [struct] = constructor["inputs"]
    return tuple(config[field["name"]] for field in struct["components"])


def _git_commit() -> str | None:
    """HEAD, with a + if the contracts differ from it."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    if head.returncode:
        return None
    changes = subprocess.run(
        ["git", "status", "--porcelain", "contracts", "interfaces"], cwd=ROOT, capture_output=True, text=True
    )
    return head.stdout.strip() + ("+" if changes.stdout else "")


def _report(deployment: Deployment, written: Path) -> None:
    print(f"\nFederation {deployment.name!r} on chain {deployment.chain_id}")
    for label in ("coordinator", "token", "rule", "disputes", "gate", "sponsor"):
        print(f"  {label:<12} {getattr(deployment, label) or 'none: open to all'}")
    print(f"  {'spec':<12} {raw_cid(bytes.fromhex(deployment.spec_digest[2:]))}")
    print(f"  {'genesis':<12} {cid(bytes.fromhex(deployment.genesis_root[2:]))}")
    print(f"  {'written to':<12} {written}")
