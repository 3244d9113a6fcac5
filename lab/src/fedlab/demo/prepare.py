"""From an empty folder to a federation whose nodes have joined: spec, contracts, accounts, money, configs, seats."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fedprotocol.deployment.record import Deployment, load_deployment
from fedprotocol.files.whole import PRIVATE, write_whole

from fedlab.demo import configs
from fedlab.demo.anvil import Chain, start_anvil
from fedlab.demo.brownie import Brownie
from fedlab.demo.explorer import keep_options, start_explorer
from fedlab.demo.options import Options, Paths
from fedlab.demo.programs import Job, Programs
from fedlab.demo.sites import CLASSES, TEMPLATE, Site, common_test, deal, write_lines
from fedlab.demo.stores import Stores
from fedlab.demo.supervisor import ProcessFailed, Supervisor

SPEC_TIMEOUT = 600.0  # seconds
JOIN_TIMEOUT = 180.0
AGGREGATOR = "aggregator"
SPONSOR = "sponsor"
FEDERATION_NAME = "Four domains, one model"
STEPS = 6
"""How many steps `prepare` reports."""


@dataclass(frozen=True)
class Model:
    """The base model: its name in the spec, and where it is on this machine (folder, .gguf file or hub id)."""

    name: str
    source: str


@dataclass(frozen=True)
class Ready:
    """A federation that is ready to be started. `accounts`: name -> address of every node and the aggregator."""

    chain: Chain
    deployment: Deployment
    sites: tuple[Site, ...]
    accounts: Mapping[str, str]
    model: Model


def prepare(
    options: Options, paths: Paths, supervisor: Supervisor, stores: Stores, model: Model, say: Callable[[str], None]
) -> Ready:
    """Make everything ready. `say` gets a line before each step. Raises: FedError."""
    programs = Programs(supervisor)
    sites = deal(options.nodes)
    names = [site.name for site in sites]

    say("starting a local Ethereum node (anvil, a block a second)")
    chain = start_anvil(supervisor, paths.root, paths.home, paths.chain)
    say("starting the stores" if options.store == "ipfs" else "making a store for each site")
    stores.open([*names, AGGREGATOR, SPONSOR])
    say("making the spec, global 0 and the accounts (fednode spec new, fednode account new)")
    accounts = _make_spec_and_accounts(options, paths, programs, stores, model, [*names, AGGREGATOR])
    say("deploying the contracts (brownie run deploy)")
    brownie = Brownie(supervisor, paths, chain)
    private = [accounts[name] for name in names] if options.private else []
    federation = configs.federation("spec/spec.json", options.nodes, options.rounds, private)
    write_whole(paths.federation, configs.toml(federation))
    brownie.run("deploy", "main", str(paths.federation))
    deployment = load_deployment(paths.deployments, chain.chain_id)
    say("giving the accounts ether and tokens (brownie run fund faucet)")
    brownie.run("fund", "faucet", *accounts.values())
    for index, site in enumerate(sites):
        folder = paths.site(site.name)
        write_lines(folder / "train.jsonl", site.train)
        write_lines(folder / "test.jsonl", site.test)
        if options.compare:
            write_lines(folder / "common_test.jsonl", common_test())
        shared = _shared(site.name, chain, deployment, stores)
        peers = [account for account in private if account != accounts[site.name]]
        tables = configs.node(shared, model.source, options.seed + index, options.compare, peers)
        write_whole(folder / "fednode.toml", configs.toml(tables), PRIVATE)
    shared = _shared(AGGREGATOR, chain, deployment, stores)
    write_whole(paths.aggregator / "aggregator.toml", configs.toml(shared), PRIVATE)
    known = {**accounts, SPONSOR: deployment.sponsor}
    keep_options(paths, chain, deployment.coordinator, stores.places(), known, names)
    start_explorer(paths, supervisor, chain.rpc)
    say("taking the seats (fednode join)")
    programs.fednode_all([Job(f"{name}-join", paths.site(name), ["join"]) for name in names], JOIN_TIMEOUT)
    return Ready(chain, deployment, sites, accounts, model)


def start(paths: Paths, supervisor: Supervisor, ready: Ready) -> None:
    """Start the aggregator and every node."""
    programs = Programs(supervisor)
    programs.start(AGGREGATOR, paths.aggregator, "fedaggregator", "run")
    for site in ready.sites:
        programs.start(site.name, paths.site(site.name), "fednode", "run")


def _make_spec_and_accounts(
    options: Options, paths: Paths, programs: Programs, stores: Stores, model: Model, names: list[str]
) -> dict[str, str]:
    """Do two independent steps at the same time; returns the address of each of `names`."""
    spec = _new_spec(options, paths, stores, model)
    _, *printed = programs.fednode_all([spec, *(_new_account(paths, name) for name in names)], SPEC_TIMEOUT)
    return dict(zip(names, map(_address, printed), strict=True))


def _new_spec(options: Options, paths: Paths, stores: Stores, model: Model) -> Job:
    paths.spec.parent.mkdir(parents=True)
    flags: dict[str, object] = {
        "name": FEDERATION_NAME,
        "base-model": model.name,
        "source": model.source,
        "out": paths.spec.parent,
        "store": stores.url(SPONSOR),
        "template": TEMPLATE,
        "rounds": options.rounds,
        "steps": options.steps,
        "batch-size": options.batch_size,
        "learning-rate": options.learning_rate,
        "schedule": "cosine",
        "optimizer": "adamw_torch",  # few rounds of several steps: what averages after every step need does not help
        "look-ahead": 0,
        "sequence-length": 64,
        "rank": 8,
        "alpha": 16,
        "leaf-values": 1024,
        "seed": options.seed,
    }
    flags |= {} if options.private else {"bits": 8, "rule": options.rule}
    arguments = ["spec", "new", *(f"--{flag}={value}" for flag, value in flags.items())]
    arguments += ["--private"] if options.private else []
    arguments += [f"--target-module={module}" for module in ("q_proj", "v_proj")]
    arguments += [f"--class={name}" for name in CLASSES]
    if options.model is None and options.batch_size <= Options.batch_size:
        arguments.append("--no-try")  # left out: the sponsor has tried it already, and each node tries it again
    return Job("spec", paths.run, arguments)


def _new_account(paths: Paths, name: str) -> Job:
    folder = paths.aggregator if name == AGGREGATOR else paths.site(name)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "password.txt", secrets.token_urlsafe(24) + "\n", PRIVATE)
    arguments = ["account", "new", "--keystore", "keystore.json", "--password-file", "password.txt"]
    return Job(f"{name}-account", folder, arguments)


def _address(printed: str) -> str:
    found = re.findall(r"0x[0-9a-fA-F]{40}\b", printed)
    if not found:
        raise ProcessFailed(f"`fednode account new` printed no address: {printed!r}")
    return str(found[-1])


def _shared(name: str, chain: Chain, deployment: Deployment, stores: Stores) -> configs.Tables:
    url, peers = stores.url(name), stores.peers(name)
    return configs.connection(chain.rpc, chain.chain_id, deployment.coordinator, url, peers)
