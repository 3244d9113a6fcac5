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

import brownie
from brownie import AllowlistGate, DemoToken, Disputes, FederationCoordinator
from fedaggregator.compute.inputs import rule_of
from fedaggregator.disputes import bond
from fedaggregator.rules import rule_of_spec
from fednode.sponsor.new_spec import NewFederation
from fednode.sponsor.new_spec import load as load_spec_folder
from fedprotocol.chain.amounts import UNITS, Amounts
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.token import Token
from fedprotocol.chain.read.trust import examine, foreign
from fedprotocol.chain.send.fees import is_free
from fedprotocol.config import ConfigError
from fedprotocol.deployment.federation_file import (
    Contracts,
    Federation,
    coordinator_config,
    load_federation,
    to_units,
)
from fedprotocol.deployment.masked import check_masked
from fedprotocol.deployment.record import Deployment, abi_hash, save_deployment
from fedprotocol.spec import Spec, check_against
from fedprotocol.tree import cid, raw_cid

from scripts.lib import invitation
from scripts.lib import token as tokens
from scripts.lib.contracts import establish, establish_peer_directory
from scripts.lib.creation import as_struct
from scripts.lib.network import ROOT, ScriptError, command, deployments_dir, endpoint, is_development, sending
from scripts.lib.plan import planned
from scripts.lib.purse import Purse

DEMO_AMOUNTS = Amounts(18, "FED")
UNCHECKED = (
    "the document is one that nodes take, its global 0 lies beside it and is whole. Whether a node can load the model "
    "and train as it says is not checked here: `fednode spec new` did, or `fednode spec try` does"
)


@command
def main(path: str = "") -> None:
    """Deploy the federation of the file `path`, or of the one that FEDERATION names."""
    federation, made = _load(path)
    print(f"{made.spec.name!r}: {UNCHECKED}")
    with sending() as sender:
        _deploy(federation, made, sender)


@command
def plan(path: str = "", gwei: str = "") -> None:
    """Show what deploying the file `path` would make and cost, at `gwei` a unit of gas or else at the file's price."""
    federation, made = _load(path)
    lines = planned(federation, made, DEMO_AMOUNTS, gwei)
    print("\n".join(lines))


def _load(path: str) -> tuple[Federation, NewFederation]:
    named = path or os.environ.get("FEDERATION")
    if not named:
        raise ScriptError("which federation? Set FEDERATION to a file like federation.example.toml")
    federation = load_federation(Path(named).expanduser())
    return federation, load_spec_folder(federation.spec)


def _deploy(federation: Federation, made: NewFederation, sender: Purse) -> None:
    spec = made.spec
    money = _check(federation, sender)
    check_masked(federation, spec, sender.web3.eth.chain_id)
    federation = bond.settled(federation, spec, money.decimals)
    transactions: dict[str, str | None] = {}
    contracts = _prerequisites(federation, spec, sender, transactions)
    sponsor = federation.money.sponsor or sender.address
    config = coordinator_config(federation, spec, made.digest, contracts, sponsor, money.decimals)
    address, created_by = establish(FederationCoordinator, sender, as_struct(config), confirmed=True)
    assert created_by is not None
    coordinator = Coordinator.connect(endpoint(), address, sender.web3.eth.chain_id)
    check_against(spec, made.digest, coordinator.config())

    transactions["coordinator"] = created_by
    with translated("the coordinator's block"):
        created = coordinator.web3.eth.get_transaction_receipt(created_by)["blockNumber"]
        time = coordinator.web3.eth.get_block(created)["timestamp"]
    deployment = Deployment(
        chain_id=coordinator.chain_id,
        name=spec.name,
        coordinator=address,
        token=contracts.token,
        demo_token=federation.money.token is None,
        rule=contracts.rule,
        rule_name=rule_of(coordinator).name,
        disputes=contracts.disputes,
        gate=contracts.gate,
        deployer=sender.address,
        sponsor=sponsor,
        block=created,
        time=time,
        transactions={what: hash_ for what, hash_ in transactions.items() if hash_ is not None},
        abi_hash=abi_hash(FederationCoordinator.abi),
        git_commit=_git_commit(),
        spec_digest="0x" + made.digest.hex(),
        genesis_root=spec.genesis_root,
    )
    written = save_deployment(deployment, deployments_dir(), is_live=lambda old: bool(sender.web3.eth.get_code(old)))
    _report(deployment, written)
    _verify(coordinator)
    invitation.write(federation, spec, made.digest, coordinator, money, written)
    print(f"  {'bond':<12} {money(config['bondBase'])}")
    if federation.money.pool:
        amount = to_units("pool", federation.money.pool, money.decimals)
        tokens.ensure_balance(coordinator.token, sender, amount, deployment.demo_token)
        tokens.fund(coordinator, sender, amount)
        print(f"The pool holds {money(coordinator.balances().pool)}")
    else:
        print("The pool is empty: `brownie run fund` fills it, rounds open only while it can pay for one")


def _verify(coordinator: Coordinator) -> None:
    """Check what all programs will check before they put money in. Only the gate may have the sponsor's own code."""
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


def _check(federation: Federation, sender: Purse) -> Amounts:
    """Find everything that can be known to be wrong before anything is deployed. Returns how the token's amounts are
    written."""
    money, gate = federation.money, federation.members.gate
    invitation.check(federation)
    if not sender.web3.eth.get_balance(sender.address) and not is_free(sender.web3.eth):
        raise ScriptError(
            f"{sender.address} has no ether on chain {sender.web3.eth.chain_id} to pay for transactions with"
        )
    if money.token is None:
        if not is_development():
            raise ConfigError(
                "money.token: name an ERC-20 token; one is only made on development chains, and by `brownie run token` "
                "on test chains"
            )
        amounts = DEMO_AMOUNTS
    else:
        token = Token(sender.web3, money.token)
        token.require(sender.address)
        amounts = Amounts.of(token)
        if amounts is UNITS:
            print(f"The token {token.address} says no decimals: amounts of the file are in its smallest units")
    if federation.proof.ether is None and not is_development():
        raise ConfigError("proof.ether: say how many tokens an ether is worth; the bond is priced by it")
    for key in ("round_reward", "min_stake", "stake_per_example", "penalty", "pool"):
        to_units(key, getattr(money, key), amounts.decimals)
    if money.bond is not None:
        to_units("bond", money.bond, amounts.decimals)
    if money.token is not None:
        tokens.ensure_balance(token, sender, to_units("pool", money.pool, amounts.decimals), demo=False)
    if gate is not None and not sender.web3.eth.get_code(gate):
        raise ConfigError(f"members.gate: there is no contract at {gate} on chain {sender.web3.eth.chain_id}")
    return amounts


def _prerequisites(federation: Federation, spec: Spec, sender: Purse, transactions: dict[str, str | None]) -> Contracts:
    """Deploy the contracts that the coordinator's constructor needs and that do not exist yet. Adds to
    `transactions`."""
    token, gate = federation.money.token, federation.members.gate
    if token is None:
        token, transactions["token"] = establish(DemoToken, sender, sender.address)
    if federation.members.allowlist:
        gate, transactions["gate"] = establish(
            AllowlistGate, sender, federation.money.sponsor or sender.address, list(federation.members.allowlist)
        )
    asked = rule_of_spec(spec)
    rule, transactions["rule"] = establish(getattr(brownie, asked.contract), sender, *asked.parameters)
    disputes, transactions["disputes"] = establish(Disputes, sender)
    establish_peer_directory(sender)
    return Contracts(token=token, rule=rule, disputes=disputes, gate=gate)


def _git_commit() -> str | None:
    """The commit of HEAD, with a + if the contracts differ from it."""
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
