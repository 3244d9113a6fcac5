"""The options of a demo, and where its files are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fedaggregator.rules import RuleError, rule_named
from fedprotocol.errors import FedError
from fedprotocol.masks.document import MASKED_RULE
from fedprotocol.masks.transcript import MIN_MEMBERS

MOST_NODES = 16
LEAST_ROUNDS = 2


class DemoError(FedError):
    """The demo cannot run with these options, or not on this machine."""


@dataclass(frozen=True)
class Options:
    """`model`: a local folder, .gguf file or hub id; None: SmolLM2-135M-Instruct from the package index.

    `rule`: the name of an aggregation rule. `private`: updates are masked, and others see their sum alone. `compare`:
    each site also trains a model on its own data alone, for comparison with the federation's. `out`: where the results
    folder of the run is made. Raises (from `check`): DemoError.
    """

    nodes: int = 4
    rounds: int = 4
    model: str | None = None
    store: Literal["dir", "ipfs"] = "dir"
    steps: int = 6
    batch_size: int = 8
    learning_rate: float = 4e-3
    rule: str = "fedavg"
    seed: int = 1
    private: bool = False
    compare: bool = False
    keep: bool = False
    out: Path = Path("all_losses/demo-runs")

    def check(self) -> None:
        """Refuse options that cannot work, before anything is started."""
        if not 2 <= self.nodes <= MOST_NODES:
            raise DemoError(f"--nodes must be 2 to {MOST_NODES}, not {self.nodes}")
        if self.rounds < LEAST_ROUNDS:
            raise DemoError(f"--rounds must be at least {LEAST_ROUNDS}, not {self.rounds}")
        if self.steps < 1 or self.batch_size < 1:
            raise DemoError("--steps and --batch-size must be at least 1")
        try:
            rule_named(self.rule)
        except RuleError as error:
            raise DemoError(f"--rule: {error}") from error
        if self.private and self.nodes < MIN_MEMBERS:
            raise DemoError(f"--private needs at least {MIN_MEMBERS} nodes: of two, each knows the other's update")
        if self.private != (self.rule == MASKED_RULE) and self.rule != Options.rule:
            raise DemoError(f"--rule: {MASKED_RULE} is the rule of --private, and of nothing else; leave --rule out")
        if not 0 < self.learning_rate <= 1:
            raise DemoError(f"--learning-rate must be above 0 and at most 1, not {self.learning_rate}")


@dataclass(frozen=True)
class Paths:
    """The files of one run. `root`: the checkout; `run`: runs/<name>, absolute."""

    root: Path
    run: Path

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    @property
    def spec(self) -> Path:
        return self.run / "spec" / "spec.json"

    @property
    def genesis(self) -> Path:
        return self.run / "spec" / "genesis.car"

    @property
    def federation(self) -> Path:
        return self.run / "federation.toml"

    @property
    def deployments(self) -> Path:
        return self.run / "deployments"

    @property
    def sponsor(self) -> Path:
        """The folder of the sponsor, who set the federation up and publishes its spec and global 0."""
        return self.run / "sponsor"

    @property
    def aggregator(self) -> Path:
        return self.run / "aggregator"

    @property
    def explorer(self) -> Path:
        """What the explorer is told, and what it has read."""
        return self.run / "explorer"

    @property
    def pages(self) -> Path:
        """The explorer's pages of the whole run, as files that need no server."""
        return self.run / "pages"

    @property
    def names(self) -> Path:
        """What the accounts are called, for the explorer."""
        return self.explorer / "names.toml"

    @property
    def chain(self) -> Path:
        """The chain's blocks and state, as anvil leaves them when it is stopped."""
        return self.run / "chain.json"

    @property
    def home(self) -> Path:
        """HOME of the programs that would otherwise write into the person's own: brownie, anvil."""
        return self.run / "home"

    def site(self, name: str) -> Path:
        return self.run / "sites" / name

    def audit(self, round_number: int) -> Path:
        return self.run / "audit" / str(round_number)


def find_root(start: Path) -> Path:
    """The checkout that holds `start` or this package. Raises: DemoError outside of one."""
    for folder in (start, *start.parents, *Path(__file__).resolve().parents):
        if (folder / "brownie-config.yaml").is_file() and (folder / "contracts").is_dir():
            return folder
    raise DemoError("the demo needs the repository (contracts, scripts): run `make demo` in a clone of it")


def new_run(root: Path, out: Path, stamp: str) -> tuple[Paths, Path]:
    """Fresh folders runs/<stamp>/ and <out>/<stamp>; if another run began in the same second, a number is added to the
    stamp.

    The results folder is not made yet.
    """
    for attempt in range(1, 100):
        name = stamp if attempt == 1 else f"{stamp}-{attempt}"
        if (out / name).exists():
            continue
        try:
            (root / "runs" / name).mkdir(parents=True)
        except FileExistsError:
            continue
        return Paths(root, root / "runs" / name), out / name
    raise DemoError(f"{root / 'runs'} is full of runs named {stamp}: move them away")


def newest_run(name: str | None = None) -> Paths:
    """The run runs/<name>, by default the newest one that left its chain. Raises: DemoError if there is none."""
    root = find_root(Path.cwd())
    runs = [Paths(root, folder) for folder in sorted((root / "runs").glob("*")) if name in (None, folder.name)]
    if name is not None and not runs:
        raise DemoError(f"there is no run runs/{name}")
    left = [paths for paths in runs if paths.chain.is_file() and paths.names.is_file()]
    if not left:
        raise DemoError(
            f"{f'runs/{name}' if name else 'no run in runs/'} has left its chain: it runs still, or was killed before "
            "it could. `make demo` makes a new one"
        )
    return left[-1]
