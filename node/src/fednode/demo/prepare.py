"""From an empty folder to a federation whose nodes have joined: spec, contracts, accounts, money, configs, seats."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fedprotocol.deployment import Deployment, load_deployment

from fednode.demo import configs
from fednode.demo.anvil import Chain, start_anvil
from fednode.demo.brownie import Brownie
from fednode.demo.options import Options, Paths
from fednode.demo.programs import Job, Programs
from fednode.demo.sites import CLASSES, TEMPLATE, Site, common_test, deal, write_lines
from fednode.demo.stores import Stores
from fednode.demo.supervisor import ProcessFailed, Supervisor

SPEC_TIMEOUT = 600.0  # seconds
ACCOUNT_TIMEOUT = 120.0
JOIN_TIMEOUT = 180.0
AGGREGATOR = "aggregator"
RANK, ALPHA, LEAF_VALUES, SEQUENCE_LENGTH = 8, 16, 1024, 64
TARGET_MODULES = ("q_proj", "v_proj")


@dataclass(frozen=True)
class Ready:
    """A federation that only has to be started. `accounts`: name -> address of every node and the aggregator."""

    chain: Chain
    deployment: Deployment
    sites: tuple[Site, ...]
    accounts: Mapping[str, str]
    model: str


def prepare(
    options: Options, paths: Paths, supervisor: Supervisor, stores: Stores, model: str, say: Callable[[str], None]
) -> Ready:
    """Do it all; `say` gets a line before each step. Raises: FedError."""
    programs = Programs(supervisor)
    sites = deal(options.nodes)
    names = [site.name for site in sites]

    say("starting a local Ethereum node (anvil, a block a second)")
    chain = start_anvil(supervisor, paths.root, paths.home)
    say("starting the stores" if options.store == "ipfs" else "making a store for each site")
    stores.open([*names, AGGREGATOR, "sponsor"])
    say("making the spec and global 0 (fednode spec new)")
    _new_spec(options, paths, programs, stores, model)
    say("making the accounts (fednode account new)")
    accounts = _new_accounts(paths, programs, [*names, AGGREGATOR])
    say("deploying the contracts (brownie run deploy)")
    brownie = Brownie(supervisor, paths, chain)
    paths.federation.write_text(configs.toml(configs.federation(paths.spec, options.nodes, options.rounds)))
    brownie.run("deploy", "main", str(paths.federation))
    deployment = load_deployment(paths.deployments, chain.chain_id)
    say("giving the accounts ether and tokens (brownie run fund faucet)")
    brownie.run("fund", "faucet", *accounts.values())
    for index, site in enumerate(sites):
        folder = paths.site(site.name)
        write_lines(folder / "train.jsonl", site.train)
        write_lines(folder / "test.jsonl", site.test)
        write_lines(folder / "common_test.jsonl", common_test())
        shared = _shared(site.name, chain, deployment, stores)
        (folder / "fednode.toml").write_text(configs.toml(configs.node(shared, model, options.seed + index)))
    shared = _shared(AGGREGATOR, chain, deployment, stores)
    (paths.aggregator / "aggregator.toml").write_text(configs.toml(shared))
    say("taking the seats (fednode join)")
    programs.fednode_all([Job(f"{name}-join", paths.site(name), ["join"]) for name in names], JOIN_TIMEOUT)
    return Ready(chain, deployment, sites, accounts, model)


def start(paths: Paths, supervisor: Supervisor, ready: Ready) -> None:
    """Start the aggregator and every node."""
    programs = Programs(supervisor)
    programs.start(AGGREGATOR, paths.aggregator, "fedaggregator", "run")
    for site in ready.sites:
        programs.start(site.name, paths.site(site.name), "fednode", "run")


def _new_spec(options: Options, paths: Paths, programs: Programs, stores: Stores, model: str) -> None:
    paths.spec.parent.mkdir(parents=True)
    arguments = [
        "spec",
        "new",
        "--name",
        "Four sites, one model",
        "--base-model",
        model,
        "--out",
        str(paths.spec.parent),
    ]
    arguments += ["--rounds", str(options.rounds), "--steps", str(options.steps)]
    arguments += ["--batch-size", str(options.batch_size), "--learning-rate", str(options.learning_rate)]
    arguments += ["--sequence-length", str(SEQUENCE_LENGTH), "--template", TEMPLATE, "--seed", str(options.seed)]
    arguments += ["--rank", str(RANK), "--alpha", str(ALPHA), "--leaf-values", str(LEAF_VALUES), "--bits", "8"]
    arguments += ["--store", stores.url("sponsor"), "--schedule", "constant"]
    for module in TARGET_MODULES:
        arguments += ["--target-module", module]
    for name in CLASSES:
        arguments += ["--class", name]
    programs.fednode(Job("spec", paths.run, arguments), SPEC_TIMEOUT)


def _new_accounts(paths: Paths, programs: Programs, names: list[str]) -> dict[str, str]:
    jobs = []
    for name in names:
        folder = paths.aggregator if name == AGGREGATOR else paths.site(name)
        folder.mkdir(parents=True, exist_ok=True)
        _write_private(folder / "password.txt", secrets.token_urlsafe(24) + "\n")
        arguments = ["account", "new", "--keystore", "keystore.json", "--password-file", "password.txt"]
        jobs.append(Job(f"{name}-account", folder, arguments))
    printed = programs.fednode_all(jobs, ACCOUNT_TIMEOUT)
    return dict(zip(names, map(_address, printed), strict=True))


def _address(printed: str) -> str:
    found = re.findall(r"0x[0-9a-fA-F]{40}\b", printed)
    if not found:
        raise ProcessFailed(f"`fednode account new` printed no address: {printed!r}")
    return str(found[-1])


def _shared(name: str, chain: Chain, deployment: Deployment, stores: Stores) -> configs.Tables:
    url, peers = stores.url(name), stores.peers(name)
    return configs.connection(chain.rpc, chain.chain_id, deployment.coordinator, url, peers)


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
