"""What the commands have in common: the config option, opening a session, tables and JSON on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fedprotocol.program import environment
from fedprotocol.program.slow_work import told_if_slow
from fedprotocol.program.terminal import say_json, warn

if TYPE_CHECKING:
    from fedprotocol.chains import Chain
    from numpy.typing import NDArray

    from fednode.session import Session

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config", "-c", envvar="FEDNODE_CONFIG", help="The node's config file, which `fednode init` writes."
    ),
]
RoundOption = Annotated[
    int | None,
    typer.Option(
        "--round",
        "-n",
        min=0,
        help="The round whose global model is used; 0 is the untrained one. Default: the latest final round.",
    ),
]
DEFAULT_CONFIG = Path("fednode.toml")
READING_SECONDS = 10.0  # of patience with one answer of the chain's node


def open_session(config: Path) -> Session:
    """Read the config; the threads are set before torch can be imported. Raises ConfigError."""
    from fednode.config import load
    from fednode.session import Session

    loaded = load(config)
    environment.set_threads(loaded.model.threads)
    return Session(loaded)


def open_to_read(config: Path) -> Session:
    """For commands that send nothing: they give up soon where the chain does not answer. Raises ConfigError."""
    from fednode.config import load
    from fednode.session import Session

    loaded = load(config)
    environment.set_threads(loaded.model.threads)
    return Session(loaded, READING_SECONDS)


def warn_of_code(session: Session) -> None:
    """Say on standard error if what is shown depends on contracts that do not have this version's code. Raises
    ChainError."""
    from fedprotocol.chain.read.trust import warnings

    for warning in warnings(session.coordinator, session.config.chain, session.config.home):
        warn(warning)


def global_of(session: Session, number: int | None) -> tuple[int, bytes]:
    """The round and the root of a final global. Raises FedError if that round is not final."""
    from fedprotocol.errors import FedError
    from fedprotocol.types import Phase

    if number is None:
        return session.coordinator.latest_final()
    if number == 0:
        return 0, session.coordinator.config().genesis_root
    if number > session.coordinator.last_opened():
        raise FedError(f"round {number} was never opened; `fednode rounds` lists those that were")
    view = session.coordinator.round_view(number)
    if view.phase is not Phase.FINAL:
        raise FedError(f"round {number} is in {view.phase.name.capitalize()}, it has no final global")
    return number, view.global_root


def units_of(session: Session, root: bytes) -> NDArray[Any]:
    """The values of a global, int32 [value_count], from the store. Raises NotFound, Malformed, Unavailable."""
    layout = session.spec.layout
    with told_if_slow("fetching the global model"), session.store.get(root, layout.global_shape) as leaves:
        return layout.weights(leaves)


def print_json(value: Any) -> None:
    say_json(value)


def preset(name: str) -> Chain:
    """The chain of this name, as `--chain` gives it. Raises FedError."""
    from fedprotocol.chains import CHAINS, chain_named
    from fedprotocol.errors import FedError

    found = chain_named(name)
    if found is None:
        there = ", ".join(one.name for one in CHAINS)
        raise FedError(f"--chain {name}: there is no preset of that name; there are {there}")
    return found
