"""What a script is given by brownie: the chain, the account, the compiled contracts."""

from __future__ import annotations

import functools
import os
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import brownie
from brownie import network, web3
from brownie._config import CONFIG, _get_data_folder
from fednode.federation.network import Network, SponsorError
from fedprotocol.chain.account.remote_signer import RemoteSigner
from fedprotocol.chain.account.signer import KeystoreSigner, Signer
from fedprotocol.chain.errors import ChainUnreachable, FeesTooHigh, told
from fedprotocol.chain.send.fees import GWEI, FeePolicy
from fedprotocol.chains import chain_named
from fedprotocol.deployment.contract_code import ContractCode
from fedprotocol.errors import FedError
from fedprotocol.program.encoding import spell_out
from fedprotocol.program.terminal import say_error, unexpected

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
DEBUG = "FED_DEBUG"
WANTED = "FED_COORDINATOR"  # names one of several federations on a chain
UNSET = "not-set"  # in unset.env
MOST_GWEI = FeePolicy.max_fee // GWEI


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Turns a function of a Network and of words into one for `brownie run`. An error that a person can act on is shown
    without a traceback, and the exit status is 1."""

    @functools.wraps(function)
    def run(*args: str) -> None:
        spell_out()
        try:
            with told():
                _refuse_without_endpoint()
                _refuse_other_chain()
                function(_active(), *args)
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


def _active() -> Network:
    """The network that brownie is on. Its records are in the folder DEPLOYMENTS_DIR, or in deployments/."""
    return Network(
        rpc=(str(web3.provider.endpoint_uri),),
        chain_id=web3.eth.chain_id,
        records=Path(os.environ.get("DEPLOYMENTS_DIR") or ROOT / "deployments").expanduser(),
        cache=CACHE,
        open_signer=_signer,
        code=_compiled,
        wanted=os.environ.get(WANTED, ""),
        choose=f"{WANTED}=0x…",
        program="brownie run",
    )


def _compiled(name: str) -> ContractCode:
    """The contract as brownie compiled it. Brownie does not deploy it: its own records of deployed contracts break
    every later run once a development chain has been started again."""
    built = getattr(brownie, name)._build
    creation, code = (built[key].removeprefix("0x") for key in ("bytecode", "deployedBytecode"))
    return ContractCode(name, built["abi"], bytes.fromhex(creation), len(code) // 2)


def _signer(active: Network) -> Signer:
    """The signer: the keystore that FED_ACCOUNT names, as a file or as an account that brownie knows. Its password
    comes from FED_PASSWORD_FILE, from FEDNODE_PASSWORD or from the terminal. Without FED_ACCOUNT it is the first
    account of a development chain, for which the chain's node signs."""
    name = os.environ.get("FED_ACCOUNT")
    if name:
        path = Path(name).expanduser()
        if not path.is_file():
            path = _get_data_folder() / "accounts" / f"{name}.json"
        if not path.is_file():
            raise SponsorError(f"FED_ACCOUNT={name} is neither a keystore file nor one of `brownie accounts list`")
        return KeystoreSigner.open(path)
    if active.is_development and web3.eth.accounts:
        return RemoteSigner(active.rpc[0], web3.eth.accounts[0])
    raise SponsorError(
        "no account: set FED_ACCOUNT to a keystore file (or a name of `brownie accounts list`), and FED_PASSWORD_FILE"
    )


def _refuse_without_endpoint() -> None:
    """Brownie's own networks are reached through a service that wants an account."""
    name, host = str(network.show_active()), str(CONFIG.active_network.get("host"))
    missing = [variable for variable in re.findall(r"\$\{?(\w+)", host) if os.environ.get(variable) == UNSET]
    if not missing:
        return
    chain = chain_named(name)
    example = chain.rpc if chain is not None else "https://…"
    raise SponsorError(
        f"the network {name} is reached at {host}, and {missing[0]} is not set: set it in the environment, or name "
        f"another endpoint once: brownie networks modify {name} host={example}"
    )


def _refuse_other_chain() -> None:
    expected = CONFIG.active_network.get("chainid")
    if CONFIG.network_type == "live" and expected is not None and int(expected) != web3.eth.chain_id:
        raise SponsorError(
            f"network {network.show_active()} is configured as chain {expected}, its node serves chain "
            f"{web3.eth.chain_id}: correct it with `brownie networks modify`"
        )
