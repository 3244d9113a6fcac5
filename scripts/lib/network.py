"""What every script has to find out first: the chain, the account, the deployment."""

from __future__ import annotations

import functools
import os
import re
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from brownie import network, web3
from brownie._config import CONFIG, _get_data_folder
from fedprotocol.chain.account.remote_signer import RemoteSigner
from fedprotocol.chain.account.signer import KeystoreSigner, Signer
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.chain.errors import ChainUnreachable, FeesTooHigh, told
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.send.development import is_development as known_for_development
from fedprotocol.chain.send.fees import GWEI, FeePolicy
from fedprotocol.chains import chain_named, usual_confirmations
from fedprotocol.deployment.record import Deployment, deployments, load_deployment
from fedprotocol.errors import FedError
from fedprotocol.journal import Journal
from fedprotocol.program.encoding import spell_out
from fedprotocol.program.terminal import say, say_error, unexpected
from web3 import Web3

from scripts.lib.purse import Purse

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
DEBUG = "FED_DEBUG"
WANTED = "FED_COORDINATOR"  # names one of several federations on a chain
UNSET = "not-set"  # in unset.env
MOST_GWEI = FeePolicy.max_fee // GWEI


class ScriptError(FedError):
    """A script was asked for something that it cannot do on this network. The message says what would work."""


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Turns a function into one for `brownie run`. An error that a person can act on is shown without a traceback, and
    the exit status is 1."""

    @functools.wraps(function)
    def run(*args: str) -> None:
        spell_out()
        try:
            with told():
                _refuse_without_endpoint()
                _refuse_other_chain()
                function(*args)
        except ChainUnreachable as error:
            _fail(
                f"the node of network {network.show_active()} does not answer: check that it runs, and its host "
                f"(`brownie networks modify`); {error}"
            )
        except FeesTooHigh:
            _fail(
                f"nothing was sent: the network asks for more than {MOST_GWEI} gwei a gas; wait until that has passed"
            )
        except FedError as error:
            _fail(str(error), error.exit_code)
        except Exception as error:  # brownie would show text from elsewhere without making it safe
            if os.environ.get(DEBUG):
                _fail(traceback.format_exc())
            _fail(f"{unexpected(error)}\nset {DEBUG}=1 and run it again to see where it comes from")

    return run


def _fail(message: str, status: int = 1) -> NoReturn:
    say_error(message)
    raise SystemExit(status)


def is_development() -> bool:
    """Whether the chain is a local one for development, where ether and tokens cost nothing. It does not matter who
    started it."""
    return known_for_development(web3)


def _signer() -> Signer:
    """The signer: the keystore that FED_ACCOUNT names, as a file or as an account that brownie knows. Its password
    comes from FED_PASSWORD_FILE, from FEDNODE_PASSWORD or from the terminal. Without FED_ACCOUNT it is the first
    account of a development chain, for which the chain's node signs."""
    name = os.environ.get("FED_ACCOUNT")
    if name:
        path = Path(name).expanduser()
        if not path.is_file():
            path = _get_data_folder() / "accounts" / f"{name}.json"
        if not path.is_file():
            raise ScriptError(f"FED_ACCOUNT={name} is neither a keystore file nor one of `brownie accounts list`")
        return KeystoreSigner.open(path)
    if is_development() and web3.eth.accounts:
        return RemoteSigner(endpoint(), web3.eth.accounts[0])
    raise ScriptError(
        "no account: set FED_ACCOUNT to a keystore file (or a name of `brownie accounts list`), and FED_PASSWORD_FILE"
    )


@contextmanager
def sending() -> Iterator[Purse]:
    """A sender for the account of `_signer` that works like that of the programs: transactions of an earlier run are
    followed up first, and a transaction counts once it is confirmed. On a development chain, which may have been
    started again, nothing is kept."""
    signer, chain_id = _signer(), web3.eth.chain_id
    confirmations = 0 if is_development() else usual_confirmations(chain_id)
    with tempfile.TemporaryDirectory() as forgotten:
        folder = Path(forgotten) if is_development() else CACHE
        with Journal(folder / f"sent-{chain_id}-{signer.address}.sqlite") as journal:
            policy = FeePolicy(confirmations=confirmations)
            yield Purse(client(), signer, journal, policy)


def client() -> Web3:
    """A client of the active network's node, made like that of the programs. Brownie's client keeps an answer until it
    has heard of a new block, so a contract may seem to be missing after its transaction was mined."""
    return connect_web3(endpoint(), web3.eth.chain_id)


def endpoint() -> str:
    """The URL of the active network's node."""
    return str(web3.provider.endpoint_uri)


def deployments_dir() -> Path:
    """The folder DEPLOYMENTS_DIR, or deployments/ in the repository."""
    return Path(os.environ.get("DEPLOYMENTS_DIR") or ROOT / "deployments").expanduser()


def current() -> tuple[Deployment, Coordinator]:
    """The federation that FED_COORDINATOR names on the active network, or else the one last deployed there, and a
    client of its coordinator. Of several it is said which one it is."""
    folder, chain_id, wanted = deployments_dir(), web3.eth.chain_id, os.environ.get(WANTED, "")
    deployment = load_deployment(folder, chain_id, wanted)
    if len(deployments(folder, chain_id)) > 1:
        how = "" if wanted else f", the one last deployed here; {WANTED}=0x… chooses another"
        say(f"federation {deployment.name}, {deployment.coordinator}{how}")
    return deployment, Coordinator.connect(endpoint(), deployment.coordinator, deployment.chain_id)


def _refuse_without_endpoint() -> None:
    """Brownie's own networks are reached through a service that wants an account."""
    name, host = str(network.show_active()), str(CONFIG.active_network.get("host"))
    missing = [variable for variable in re.findall(r"\$\{?(\w+)", host) if os.environ.get(variable) == UNSET]
    if not missing:
        return
    chain = chain_named(name)
    example = chain.rpc if chain is not None else "https://…"
    raise ScriptError(
        f"the network {name} is reached at {host}, and {missing[0]} is not set: set it in the environment, or name "
        f"another endpoint once: brownie networks modify {name} host={example}"
    )


def _refuse_other_chain() -> None:
    expected = CONFIG.active_network.get("chainid")
    if CONFIG.network_type == "live" and expected is not None and int(expected) != web3.eth.chain_id:
        raise ScriptError(
            f"network {network.show_active()} is configured as chain {expected}, its node serves chain "
            f"{web3.eth.chain_id}: correct it with `brownie networks modify`"
        )
