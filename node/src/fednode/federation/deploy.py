"""Deploying a federation. Everything that can be known to be wrong is found before the first transaction."""

from __future__ import annotations

from pathlib import Path

from eth_typing import HexStr
from fedaggregator.compute.inputs import rule_of
from fedaggregator.disputes import bond
from fedaggregator.rules import rule_of_spec
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
from fedprotocol.program.terminal import say
from fedprotocol.spec import Spec, check_against
from fedprotocol.tree import cid, raw_cid

from fednode.federation import invite, pool
from fednode.federation.establish import establish, establish_peer_directory, make
from fednode.federation.network import Network, SponsorError
from fednode.federation.plan import DEMO_AMOUNTS
from fednode.federation.purse import Purse
from fednode.sponsor.new_spec import NewFederation
from fednode.sponsor.new_spec import load as load_spec_folder

UNCHECKED = (
    "the document is one that nodes take, its global 0 lies beside it and is whole. Whether a node can load the model "
    "and train as it says is not checked here: `fednode spec new` did, or `fednode spec try` does"
)


def load(path: Path) -> tuple[Federation, NewFederation]:
    """The federation file and the folder of the spec that it names.

    Raises ConfigError, FederationError, SpecError, SpecFolderError.
    """
    federation = load_federation(path.expanduser())
    return federation, load_spec_folder(federation.spec)


def deploy(network: Network, federation: Federation, made: NewFederation, git_commit: str | None) -> Deployment:
    """Deploy it, fill its pool, and write its record and its invitation.

    Args:
        git_commit: of the sources from which the contracts were compiled, for the record; None: not known.

    Raises FedError. What was deployed before an error stands, and is used by the next attempt.
    """
    say(f"{made.spec.name!r}: {UNCHECKED}")
    with network.sending() as sender:
        return _deploy(network, federation, made, sender, git_commit)


def _deploy(
    network: Network, federation: Federation, made: NewFederation, sender: Purse, git_commit: str | None
) -> Deployment:
    spec = made.spec
    money = _check(network, federation, sender)
    check_masked(federation, spec, network.chain_id)
    federation = bond.settled(federation, spec, money.decimals)
    transactions: dict[str, str | None] = {}
    contracts = _prerequisites(network, federation, spec, sender, transactions)
    sponsor = federation.money.sponsor or sender.address
    config = coordinator_config(federation, spec, made.digest, contracts, sponsor, money.decimals)
    code = network.code("FederationCoordinator")
    address, created_by = make(code, sender, config, confirmed=True)
    coordinator = network.connect(address)
    check_against(spec, made.digest, coordinator.config())

    transactions["coordinator"] = created_by
    with translated("the coordinator's block"):
        created = coordinator.web3.eth.get_transaction_receipt(HexStr(created_by))["blockNumber"]
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
        abi_hash=abi_hash(code.abi),
        git_commit=git_commit,
        spec_digest="0x" + made.digest.hex(),
        genesis_root=spec.genesis_root,
    )
    written = save_deployment(deployment, network.records, is_live=network.has_code)
    _report(deployment, written)
    _verify(coordinator)
    invite.write(network, federation, made, coordinator, money, written)
    say(f"  {'bond':<12} {money(config['bondBase'])}")
    if federation.money.pool:
        amount = to_units("pool", federation.money.pool, money.decimals)
        pool.ensure_balance(network, coordinator.token, sender, amount, deployment.demo_token)
        pool.pay_in(coordinator, sender, amount)
        say(f"The pool holds {money(coordinator.balances().pool)}")
    else:
        say(f"The pool is empty: {network.command('fund')} fills it, rounds open only while it can pay for one")
    return deployment


def _verify(coordinator: Coordinator) -> None:
    """Check what all programs will check before they put money in. Only the gate may have the sponsor's own code."""
    parts = examine(coordinator)
    unknown = foreign(parts)
    if any(part.role != "gate" for part in unknown):
        raise SponsorError(
            f"{'; '.join(map(str, unknown))}. No site will join: deploy with the contracts of this version, or run "
            "tools/export_abi.py and give the sites the version of the programs that it makes"
        )
    say(f"  {'code':<12} {', '.join(part.role for part in parts if part.is_known)}: of this version")
    for part in unknown:
        say(f'  {"":<12} {part.role}: sites must write [chain] trusted_code = ["{part.hash}"]')


def _check(network: Network, federation: Federation, sender: Purse) -> Amounts:
    """Find everything that can be known to be wrong before anything is deployed. Returns how the token's amounts are
    written."""
    money, gate = federation.money, federation.members.gate
    invite.check(federation)
    if not sender.web3.eth.get_balance(sender.address) and not is_free(sender.web3.eth):
        raise SponsorError(f"{sender.address} has no ether on chain {network.chain_id} to pay for transactions with")
    token = None
    amounts = DEMO_AMOUNTS
    if money.token is not None:
        token = Token(sender.web3, money.token)
        token.require(sender.address)
        amounts = Amounts.of(token)
        if amounts is UNITS:
            say(f"The token {token.address} says no decimals: amounts of the file are in its smallest units")
    elif not network.is_development:
        raise ConfigError(
            "money.token: name an ERC-20 token; one is only made on development chains, and by "
            f"{network.command('token')} on test chains"
        )
    if federation.proof.ether is None and not network.is_development:
        raise ConfigError("proof.ether: say how many tokens an ether is worth; the bond is priced by it")
    for key in ("round_reward", "min_stake", "stake_per_example", "penalty", "pool"):
        to_units(key, getattr(money, key), amounts.decimals)
    if money.bond is not None:
        to_units("bond", money.bond, amounts.decimals)
    if token is not None:
        pool.ensure_balance(network, token, sender, to_units("pool", money.pool, amounts.decimals), demo=False)
    if gate is not None and not network.has_code(gate):
        raise ConfigError(f"members.gate: there is no contract at {gate} on chain {network.chain_id}")
    return amounts


def _prerequisites(
    network: Network, federation: Federation, spec: Spec, sender: Purse, transactions: dict[str, str | None]
) -> Contracts:
    """Deploy the contracts that the coordinator's constructor needs and that do not exist yet. Adds to
    `transactions`."""
    token, gate, code = federation.money.token, federation.members.gate, network.code
    if token is None:
        token, transactions["token"] = establish(code("DemoToken"), sender, sender.address)
    if federation.members.allowlist:
        owner = federation.money.sponsor or sender.address
        gate, transactions["gate"] = establish(code("AllowlistGate"), sender, owner, list(federation.members.allowlist))
    asked = rule_of_spec(spec)
    rule, transactions["rule"] = establish(code(asked.contract), sender, *asked.parameters)
    disputes, transactions["disputes"] = establish(code("Disputes"), sender)
    establish_peer_directory(sender)
    return Contracts(token=token, rule=rule, disputes=disputes, gate=gate)


def _report(deployment: Deployment, written: Path) -> None:
    say("", f"Federation {deployment.name!r} on chain {deployment.chain_id}")
    for label in ("coordinator", "token", "rule", "disputes", "gate", "sponsor"):
        say(f"  {label:<12} {getattr(deployment, label) or 'none: open to all'}")
    say(f"  {'spec':<12} {raw_cid(bytes.fromhex(deployment.spec_digest[2:]))}")
    say(f"  {'genesis':<12} {cid(bytes.fromhex(deployment.genesis_root[2:]))}")
    say(f"  {'written to':<12} {written}")
