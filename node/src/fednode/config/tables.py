"""The tables of `fednode.toml` that a node has beside those of every daemon."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from fedprotocol.config import Address, Section
from fedprotocol.deployment.federation_file import Tokens
from fedprotocol.strict import Listed
from fedprotocol.urls import http_url
from pydantic import Field, PositiveInt, field_validator, model_validator

from fednode.data_source import DataSource
from fednode.encodings import unknown

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
    shard: bool = False  # each process holds a part of the base model, and not a copy

    @property
    def is_alone(self) -> bool:
        return self.launch == "process"

    @model_validator(mode="after")
    def _can_be_started(self) -> Self:
        if self.is_alone and self.processes not in (None, 1):
            raise ValueError('launch is "process", which is one: to train with several, set it to "torchrun"')
        if self.is_alone and self.shard:
            raise ValueError('shard divides the base model among processes: set launch to "torchrun", or remove shard')
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
