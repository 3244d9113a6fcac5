"""`fednode.toml`: the tables every daemon has (`fedprotocol.config`) and those of a node that trains."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from fedprotocol.chains import usual_confirmations
from fedprotocol.config import Address, ConnectionConfig, Section, as_comments, load_config
from fedprotocol.deployment.federation_file import Tokens
from fedprotocol.strict import Listed
from fedprotocol.urls import http_url
from pydantic import Field, PositiveInt, field_validator, model_validator

from fednode.data_source import DataSource
from fednode.encodings import unknown

DEFAULT_NAME = "fednode.toml"

LAUNCHERS = ("process", "torchrun", "slurm")

ColumnName = Annotated[str, Field(min_length=1)]


class ModelConfig(Section):
    """`[model]`: where this machine gets the base model, and on what it runs."""

    source: str | None = None  # a local folder, a .gguf file or a hub id; default: the spec's id
    device: Literal["cpu", "cuda"] = "cpu"
    threads: PositiveInt = 1


class TrainingConfig(Section):
    """`[training]`: which processes train. `launch`: "process" for this one alone, "torchrun" or "slurm" (srun) for
    several, or the site's own command with the word `{worker}` or `{module}` in it (`fednode.workers.launch`)."""

    launch: str = "process"
    processes: PositiveInt | None = None  # default: as many as GPUs; slurm: as many as the allocation has

    @property
    def is_alone(self) -> bool:
        return self.launch == "process"

    @model_validator(mode="after")
    def _can_be_started(self) -> Self:
        if self.is_alone and self.processes not in (None, 1):
            raise ValueError('launch is "process", which is one: to train with several, set it to "torchrun"')
        if self.launch not in LAUNCHERS and not {"{worker}", "{module}"} & set(self.launch.split()):
            raise ValueError(
                f"launch is {self.launch!r}; it must be {', '.join(LAUNCHERS)}, or a command with the word {{worker}} "
                "where the worker's own command belongs ({module}: without the interpreter, as torchrun wants it)"
            )
        return self


class DataConfig(Section):
    """`[data]`: files of any kind that `fednode data check` reads, or data sets; `test` is scored with every global."""

    train: DataSource
    test: DataSource | None = None
    split: float = Field(default=0.0, ge=0, lt=1, allow_inf_nan=False)  # share of train that is held out for scoring
    encoding: str | None = None  # of text that is neither UTF-8 nor UTF-16 with a byte-order mark
    prompt: ColumnName = "prompt"  # what the files call it, and the next two
    completion: ColumnName = "completion"
    domain: ColumnName = "domain"
    labels: dict[str, ColumnName] = Field(default={})  # completions for values of their column; empty: as they are

    @property
    def has_test(self) -> bool:
        """Whether there are rows to score globals on."""
        return self.test is not None or self.split > 0

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str | None) -> str | None:
        if encoding is not None and (wrong := unknown(encoding)):
            raise ValueError(wrong)
        return encoding

    @model_validator(mode="after")
    def _has_one_test(self) -> Self:
        if self.test is not None and self.split:
            raise ValueError(
                "split holds rows of train out for scoring, and test names other rows to score: leave one of them out"
            )
        return self


class NodeSection(Section):
    """`[node]`: how the daemon behaves."""

    stake: Tokens = Decimal(0)  # whole tokens that `join` locks; 0 for the federation's least and room for `penalties`
    penalties: int = Field(default=3, ge=0)  # that the stake can lose before the seat is suspended, if `stake` is 0
    top_up: Tokens = Decimal(0)  # whole tokens that the daemon may add after penalties, all of them together
    propose_after: PositiveInt = (
        120  # seconds that a round may be in Aggregate without a live proposal before this node proposes
    )
    challenge_after: int = Field(default=0, ge=0)  # seconds that a wrong proposal is left to other challengers
    attest_margin: int = Field(
        default=60, ge=0
    )  # seconds before the end of Attest at which absent updates are given up at the latest
    keep_rounds: int = Field(default=8, ge=1)  # settled rounds whose updates and prior stay in the own store
    claim: bool = False  # claim what is owed at the end of the federation
    seed: int = Field(default=0, ge=0, lt=2**31)  # seed of the order of the data and of the rounding


class SoloConfig(Section):
    """`[solo]`: the site's own model, trained while it waits, with as many steps, for comparison."""

    enabled: bool = False
    test: DataSource | None = None  # default: what globals are scored on


class PrivacyConfig(Section):
    """`[privacy]`: train with differential privacy for every single row, and stop before the budget is exceeded."""

    noise: float = Field(ge=0.3, allow_inf_nan=False)  # noise multiplier: its standard deviation, in units of clip
    clip: float = Field(gt=0, allow_inf_nan=False)  # largest L2 norm that one row's gradient has
    delta: float = Field(gt=0, lt=1)  # below 1 / rows
    budget: float = Field(gt=0, allow_inf_nan=False)  # largest epsilon, of all rounds on these rows together
    ledger: Path | None = None  # where what was spent is kept; default: in the home


class ServerConfig(Section):
    """A tracker of experiments on another machine. `server`: its URL, or for Trackio the Space, `owner/name`.
    `key_file`: what it wants to be shown; for MLflow `user:password` or a token."""

    server: str = Field(min_length=1, max_length=500)
    key_file: Path | None = None

    @model_validator(mode="after")
    def _is_an_address(self) -> Self:
        parts = urlsplit(http_url(self.server) if "://" in self.server else "")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("server must have no user, password or query in it: key_file is the place for a key")
        return self


class TrackConfig(Section):
    """`[track]`: trackers of experiments that are handed the node's figures (`fednode.tracking`). Without a server for
    them they all write on this machine alone."""

    to: Listed[Literal["csv", "tensorboard", "wandb", "mlflow", "trackio"]] = ()
    folder: Path | None = None  # where they write; default: in the home
    project: str | None = Field(default=None, pattern=r"^[\w.-]{1,100}$")  # default: the federation's name
    run: str | None = Field(default=None, pattern=r"^[\w.-]{1,100}$")  # default: the account's beginning
    wandb: ServerConfig | None = None
    mlflow: ServerConfig | None = None
    trackio: ServerConfig | None = None

    @model_validator(mode="after")
    def _are_used(self) -> Self:
        if len(set(self.to)) < len(self.to):
            raise ValueError("to names a tool twice")
        if unused := self.servers.keys() - set(self.to):
            raise ValueError(f"a server is named for {', '.join(sorted(unused))}, which `to` does not name")
        for tool in ("wandb", "mlflow"):
            if tool in self.servers and "://" not in self.servers[tool].server:
                raise ValueError(f"{tool}.server must be an http:// or https:// URL")
        return self

    @property
    def servers(self) -> dict[str, ServerConfig]:
        """Tool -> where it sends the figures; tools that write on this machine alone are not in it."""
        named = {"wandb": self.wandb, "mlflow": self.mlflow, "trackio": self.trackio}
        return {tool: server for tool, server in named.items() if server is not None}


class PrivateConfig(Section):
    """`[private]`: whom this site knows in a federation that masks updates."""

    peers: Listed[Address] = Field(min_length=1)  # accounts of other sites that this one trusts not to be one party
    at_least: PositiveInt = 2  # how many of them must take part in a round, before this site does
    changed_in: Listed[PositiveInt] = ()  # rounds for whose members a person agreed that they differ from before

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if len(set(self.peers)) < len(self.peers):
            raise ValueError("peers names an account twice")
        if self.at_least > len(self.peers):
            raise ValueError(f"at_least is {self.at_least}, and peers names {len(self.peers)}: no round could meet it")
        return self


class NodeConfig(ConnectionConfig):
    """The whole file. Paths are absolute once loaded."""

    policy: Path | None = None  # what may leave this site (`fednode.policy`); None: whatever the spec says
    data: DataConfig
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    node: NodeSection = NodeSection()
    solo: SoloConfig = SoloConfig()
    privacy: PrivacyConfig | None = None
    private: PrivateConfig | None = None
    track: TrackConfig = TrackConfig()

    @model_validator(mode="after")
    def _scores_its_own_model(self) -> Self:
        if self.solo.enabled and not self.has_solo_test:
            raise ValueError(
                "there are no rows to score the site's own model on: set solo.test, data.test or data.split"
            )
        return self

    @model_validator(mode="after")
    def _is_private_alone(self) -> Self:
        if self.privacy is not None and self.track.servers:
            raise ValueError(
                "a site with [privacy] tells nobody exact losses: remove the servers from [track]; files stay possible"
            )
        if self.privacy is not None and not self.training.is_alone:
            raise ValueError("[privacy] trains in one process: remove [training] launch")
        return self

    @property
    def has_solo_test(self) -> bool:
        """Whether there are rows to score the site's own model on."""
        return self.solo.test is not None or self.data.has_test

    @property
    def workers(self) -> Path:
        """The folder through which several processes get their jobs; all machines that they are on must see it."""
        return self.home / "workers"

    @property
    def status(self) -> Path:
        """The status file of the running node (JSON; each write replaces it whole)."""
        return self.home / "status.json"

    @property
    def known_spec(self) -> Path:
        """The federation's spec as it was last had, for commands that look at data without chain or store."""
        return self.home / f"spec-{self.chain.chain_id}-{self.chain.coordinator}.json"

    @property
    def metrics(self) -> Path:
        return self.home / "metrics"

    @property
    def tracked(self) -> Path:
        """The folder for the files of trackers of experiments, and for what each of them has had."""
        return self.home / "track" if self.track.folder is None else self.track.folder

    @property
    def updates(self) -> Path:
        """The folder for this site's updates, which nobody else may read before they are published."""
        return self.home / "updates"

    @property
    def rows(self) -> Path:
        """The folder for copies of large data files' rows, and for which files were found right. It may be deleted."""
        return self.home / "rows"

    @property
    def commits(self) -> Path:
        """Which commits of the hub's data sets this site uses, where the config names none (JSON)."""
        return self.home / "datasets.json"

    @property
    def privacy_ledger(self) -> Path:
        """What training with noise has cost so far (SQLite)."""
        named = None if self.privacy is None else self.privacy.ledger
        return self.home / "privacy.sqlite" if named is None else named

    @property
    def solos(self) -> Path:
        """The folder for the site's own models, which nobody else may read."""
        return self.home / "solo"

    @property
    def globals(self) -> Path:
        return self.home / "globals"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def policy_log(self) -> Path:
        """Approvals of the policy, and everything that left the site (`fednode.policy.log`)."""
        return self.home / "policy-log.jsonl"


def load(path: Path, name: Path | None = None) -> NodeConfig:
    """Read a config file. Raises ConfigError: no such file, not TOML, a key missing, unknown or wrong.

    A `model.source` that starts with `./`, `../`, `/` or `~` is a path relative to the file; anything else is a hub id.
    `name`: what the file will be called, while it is a draft.
    """
    config = load_config(path, NodeConfig, name)
    source = config.model.source
    if source is None or not source.startswith((".", "/", "~")):
        return config
    absolute = str(path.resolve().parent / Path(source).expanduser())
    return config.model_copy(update={"model": config.model.model_copy(update={"source": absolute})})


TEMPLATE = """\
# A node of a federation. Relative paths are relative to this file.
{remarks}
home = "home"                       # journal, status, metrics, logs, cache
# policy = "policy.toml"            # what may leave this site, which no spec overrides: see docs/privacy.md

[chain]
rpc = {rpc}   # Ethereum nodes, tried in this order
chain_id = {chain_id}
coordinator = {coordinator}
# confirmations = {confirmations}                 # blocks that must lie on top of what is acted upon
# poll_seconds = 2.0
# websocket = ["ws://127.0.0.1:8546"] # where new blocks are announced; default: at the addresses of rpc; []: only poll
# max_fee_gwei = 500.0              # never pay more for a unit of gas
# trusted_code = []                 # hashes of contracts' code that is not of this version and is trusted all the same

[store]
url = {store}                 # this node's own: dir:folder, or kubo:http://127.0.0.1:5001
peers = {peers}                          # to read from, in this order: dir:folder (kubo: /ip4/…/p2p/…), https://gateway
# find_peers = true                 # also read from where the others announce on the chain that they serve
# announce = ["https://gateway"]    # where others can read this store; announced on the chain (a transaction)

[account]
keystore = {keystore}     # `fednode account new` writes it
{password_file}    # mode 600; else FED_PASSWORD_FILE, or a question at the terminal
# Or, in place of keystore: signer (the URL of a program that signs: Web3Signer, Clef) and address (the account's)

[model]
{source}                # a local folder or .gguf file with the spec's base model; default: its hub id
# device = "cpu"                    # cpu or cuda
# threads = 1

# [training]
# launch = "process"                # torchrun or slurm for several GPUs or machines: docs/operating.md
# processes = 1                     # default: one for each GPU

[data]
train = {train}             # rows with prompt and completion, or messages; they never leave this machine
{test}               # scored with every global; may have a column domain
# split = 0.0                       # in place of test: the share of train's rows that is held out for scoring, as 0.1
# encoding = "cp1252"               # of text files, if not UTF-8
# prompt = "text"                   # what your files call the prompt, if not prompt; input.text if it is nested
# completion = "label"              # what they call the completion
# labels = {{ 0 = "no", 1 = "yes" }}  # what their labels stand for

[node]
# stake = 0                         # whole tokens that `fednode join` locks; 0: the least, and room for penalties
# penalties = 3                     # how many the stake can lose before the seat is suspended, where stake is 0
# top_up = 0                        # whole tokens that the node may add after penalties, all together; 0: it adds none
# propose_after = 120               # hand in the aggregate oneself after so many seconds without a live proposal
# challenge_after = 0               # leave a wrong proposal, and its bounty, to others for so many seconds
# attest_margin = 60                # seconds before the deadline at which absent updates are given up at the latest
# keep_rounds = 8                   # settled rounds whose updates and prior stay here; `audit` needs them
# claim = false                     # take what is owed when the federation is complete
# seed = 0

# [privacy]                         # differential privacy; needs pip install 'fednode[privacy]'
# noise = 1.0                       # standard deviation of the noise, in units of clip; at least 0.3
# clip = 0.1                        # largest L2 norm of one row's gradient
# delta = 1e-6                      # well below 1 / rows
# budget = 8.0                      # the epsilon before which this site stops training
# ledger = "privacy.sqlite"         # what was spent; nodes that train on the same rows name the same file

# [private]                         # in a federation that masks updates, so that only their sum is seen
# peers = ["0x1111111111111111111111111111111111111111", "0x2222222222222222222222222222222222222222"]  # sites you know
# at_least = 2                      # how many of them must take part in a round, before this site does
# changed_in = []                   # rounds for which a person agreed to other members than in the void round before

[monitor]
# port = 0                          # /metrics and /health on 127.0.0.1, such as 9464; 0: none

# [tokens]                          # servers that want to see a token (Authorization: Bearer …), each with its file
# "https://node.example.org" = "node-token.txt"

[track]
# to = []                           # trackers of experiments: csv, tensorboard, wandb, mlflow, trackio
# folder = "home/track"             # where they write, on this machine alone; a server for them: docs/operating.md
# project = "Colours"               # default: the federation's name
# run = "clinic"                    # default: the beginning of the account

[solo]
# enabled = false                   # also train a model of this site alone while waiting, for comparison
# test = "test.jsonl"               # rows to score that model on; default: those that globals are scored on
"""


def render(
    *,
    rpc: Sequence[str],
    chain_id: int,
    coordinator: str,
    store: str,
    peers: Sequence[str],
    keystore: str,
    train: str,
    password_file: str | None = None,
    model: str | None = None,
    test: str | None = None,
    remarks: Sequence[str] = (),
) -> str:
    """The text of a config file, commented; what is None stays a comment. `remarks`: lines for its head."""
    return TEMPLATE.format(
        remarks=as_comments(remarks),
        rpc=json.dumps(list(rpc)),  # strings and arrays of strings are written in the same way in JSON and TOML
        chain_id=chain_id,
        confirmations=usual_confirmations(chain_id),
        coordinator=json.dumps(coordinator),
        store=json.dumps(store),
        peers=json.dumps(list(peers)),
        keystore=json.dumps(keystore),
        train=json.dumps(train),
        password_file=_setting("password_file", password_file, "password.txt"),
        source=_setting("source", model, "./model"),
        test=_setting("test", test, "test.jsonl"),
    )


def _setting(key: str, value: str | None, example: str) -> str:
    return f"{key} = {json.dumps(value)}" if value is not None else f"# {key} = {json.dumps(example)}"
