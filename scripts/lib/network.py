"""What every script asks first: which chain, whose account, which deployment."""

from __future__ import annotations

import functools
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from brownie import accounts, network, web3
from brownie._config import CONFIG, _get_data_folder
from brownie.exceptions import VirtualMachineError
from fedprotocol.chain import keys
from fedprotocol.chain.coordinator import Coordinator
from fedprotocol.chain.errors import MALFORMED, ChainUnreachable, translated
from fedprotocol.deployment import Deployment, load_deployment
from fedprotocol.errors import FedError
from fedprotocol.printable import LONGEST_TEXT, printable
from fedprotocol.terminal import say_error

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
DEVELOPMENT_CLIENTS = ("anvil", "hardhat", "ganache", "ethereumjs testrpc")


class ScriptError(FedError):
    """A script was asked for something it cannot do here; the message says what would work."""


def command(function: Callable[..., None]) -> Callable[..., None]:
    """A function for `brownie run`: an error that a person can act on is shown without a traceback, exit status 1."""

    @functools.wraps(function)
    def run(*args: str) -> None:
        try:
            with translated(), _own_faults():
                _refuse_other_chain()
                function(*args)
        except ChainUnreachable:
            _fail(f"the node of network {network.show_active()} does not answer: check that it runs, and its host")
        except FedError as error:
            _fail(str(error), error.exit_code)
        except VirtualMachineError as error:  # brownie's own form of a revert, on its development network
            _fail(f"the contract refused: {error.revert_msg or error.message}")
        except Exception:  # brownie would show what others wrote as it is
            _fail(f"unexpected, not for you to mend:\n{traceback.format_exc()}")

    return run


class OwnFault(Exception):
    """A script's or brownie's own error, which says nothing of the node."""


@contextmanager
def _own_faults() -> Iterator[None]:
    """Keeps apart from malformed answers what those are taken for by their kind. brownie tells so too that a node's
    estimate was refused, in the contract's words."""
    try:
        yield
    except MALFORMED as error:
        if "Gas estimation failed" in str(error):
            raise ScriptError(f"the contract would refuse it: {printable(str(error), LONGEST_TEXT)}") from error
        raise OwnFault from error


def _fail(message: str, status: int = 1) -> NoReturn:
    say_error(message)
    raise SystemExit(status)


def is_development() -> bool:
    """Whether the chain is a local one for development, whoever started it: ether and tokens cost nothing there."""
    return str(web3.client_version).lower().startswith(DEVELOPMENT_CLIENTS)


def sender() -> Any:
    """The brownie account that transactions are sent from.

    FED_ACCOUNT names a keystore file or an account that brownie knows; its password comes from FED_PASSWORD_FILE, from
    FEDNODE_PASSWORD or from the terminal. Without it, on a development chain, the node's first unlocked account.
    """
    name = os.environ.get("FED_ACCOUNT")
    if name:
        path = Path(name).expanduser()
        if not path.is_file():
            path = _get_data_folder() / "accounts" / f"{name}.json"
        if not path.is_file():
            raise ScriptError(f"FED_ACCOUNT={name} is neither a keystore file nor one of `brownie accounts list`")
        password_file = os.environ.get("FED_PASSWORD_FILE")
        password = keys.read_password(Path(password_file).expanduser() if password_file else None)
        return accounts.add(keys.load(path, password).key)
    if is_development() and len(accounts):
        return accounts[0]
    raise ScriptError(
        "no account: set FED_ACCOUNT to a keystore file (or a name of `brownie accounts list`), and FED_PASSWORD_FILE"
    )


def deployments_dir() -> Path:
    """DEPLOYMENTS_DIR, or deployments/ of the repository."""
    return Path(os.environ.get("DEPLOYMENTS_DIR") or ROOT / "deployments").expanduser()


def current() -> tuple[Deployment, Coordinator]:
    """The federation deployed on the active network, and a client of its coordinator."""
    deployment = load_deployment(deployments_dir(), web3.eth.chain_id)
    return deployment, Coordinator.connect(web3.provider.endpoint_uri, deployment.coordinator, deployment.chain_id)


def _refuse_other_chain() -> None:
    expected = CONFIG.active_network.get("chainid")
    if CONFIG.network_type == "live" and expected is not None and int(expected) != web3.eth.chain_id:
        raise ScriptError(
            f"network {network.show_active()} is configured as chain {expected}, its node serves chain "
            f"{web3.eth.chain_id}: correct it with `brownie networks modify`"
        )
