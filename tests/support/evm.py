"""A real anvil of one's own, and the project's contracts on it. `with Anvil() as chain: chain.deploy("FedAvg")`."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Self

import requests
import urllib3
from fedprotocol.chain.read.code import shipped
from fedprotocol.chain.read.creation import DEPLOYER, DEPLOYER_COST, DEPLOYER_MAKER, DEPLOYER_TRANSACTION, made_at
from fedprotocol.program import end_with_parent
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.contract.contract import ContractConstructor, ContractFunction
from web3.types import TxParams, TxReceipt

ROOT = Path(__file__).resolve().parents[2]
ANVIL = ROOT / ".tools/bin/anvil"  # the binary: node_modules/.bin/anvil is a wrapper that would orphan it
BUILD = ROOT / "build/contracts"
JSON = {"Content-Type": "application/json"}


@functools.cache
def compiled(name: str) -> dict[str, Any]:
    """`abi`, `bin` and `bin-runtime` of the contract `name` under contracts/, as `make setup` compiled it."""
    _check_compiled()
    artifact = json.loads((BUILD / f"{name}.json").read_text())
    return {"abi": artifact["abi"], "bin": artifact["bytecode"], "bin-runtime": artifact["deployedBytecode"]}


@functools.cache
def _check_compiled() -> None:
    sources = (path.relative_to(ROOT).as_posix() for top in ("contracts", "interfaces") for path in _sources(top))
    now = hashlib.sha256(b"".join((ROOT / path).read_bytes() for path in [*sorted(sources), "brownie-config.yaml"]))
    noted = ROOT / ".tools/.compiled"
    is_of_these = noted.exists() and noted.read_text().strip() == now.hexdigest()
    assert is_of_these, "build/ was compiled from other contracts than these: run `make setup`"


def _sources(folder: str) -> Iterator[Path]:
    return (ROOT / folder).rglob("*.sol")


class Chain:
    """A node at `url` whose `accounts` are unlocked and have money."""

    def __init__(self, url: str) -> None:
        self.url = url
        session = requests.Session()
        session.trust_env = False  # or it looks for proxies in the whole environment before each call
        self.web3 = Web3(HTTPProvider(url, request_kwargs={"timeout": 60}, session=session))
        self._connections = urllib3.PoolManager()
        self.accounts = self.web3.eth.accounts
        self._standing: dict[str, Contract] = {}

    def deploy(self, name: str, *args: Any, sender: str | None = None) -> Contract:
        """A new instance of the contract `name`, from the first account unless told otherwise."""
        artifact = compiled(name)
        factory = self.web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bin"])
        call = factory.constructor(*args)
        address = self._make(name, call, {"from": sender or self.accounts[0]})
        contract: Contract = self.web3.eth.contract(address=address, abi=artifact["abi"])
        return contract

    def standing(self, name: str) -> Contract:
        """The instance of the contract `name`, which takes no arguments and serves every federation of this chain."""
        if name not in self._standing:
            self._standing[name] = self.deploy(name)
        return self._standing[name]

    def _make(self, name: str, call: ContractConstructor, fields: TxParams) -> str:
        """Deploys as `brownie run deploy` does, by which programs know the project's contracts again."""
        is_known = name in shipped() and bool(shipped()[name].constructor)
        code = bytes.fromhex(call.data_in_transaction[2:])
        salt = 0
        if is_known:
            call.estimate_gas(fields)  # what the constructor refuses is said: the deployer has no words
            self._ensure_deployer()
            salt = next(s for s in count() if not self.web3.eth.get_code(made_at(s, code)))
            hash_ = self.web3.eth.send_transaction({**fields, "to": DEPLOYER, "data": salt.to_bytes(32, "big") + code})
        else:
            hash_ = call.transact(fields)
        receipt = self.web3.eth.wait_for_transaction_receipt(hash_)
        assert receipt["status"] == 1, f"{name} could not be deployed"
        return made_at(salt, code) if is_known else receipt["contractAddress"]

    def _ensure_deployer(self) -> None:
        """Anvil has it from the start, other nodes have not."""
        if not self.web3.eth.get_code(DEPLOYER):
            self.give(DEPLOYER_MAKER, DEPLOYER_COST)
            made = self.web3.eth.send_raw_transaction(DEPLOYER_TRANSACTION)
            assert self.web3.eth.wait_for_transaction_receipt(made)["status"] == 1

    def do(self, call: ContractFunction, sender: str | None = None, **fields: Any) -> TxReceipt:
        """Send a call from an unlocked account, the first unless told otherwise; it must succeed.

        Its block is there on return. Nodes answer before they mine, so what is asked for next without waiting (an
        estimate, a height) is answered from the chain before or after it, as it happens.
        """
        sent = call.transact({"from": sender or self.accounts[0], **fields})  # type: ignore[typeddict-item]
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.02)
        assert receipt["status"] == 1, f"{call.fn_name} failed in its block"
        return receipt

    def rpc(self, method: str, *params: Any) -> Any:
        """A call that web3.py has no name for, and without the milliseconds that requests takes for each."""
        provider = self.web3.provider
        assert isinstance(provider, HTTPProvider)
        body = provider.encode_rpc_request(method, list(params))  # type: ignore[arg-type]
        response = self._connections.request("POST", self.url, body=body, headers=JSON, timeout=60, retries=False)
        answer = provider.decode_rpc_response(response.data)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def now(self) -> int:
        """Timestamp of the block that a transaction sent now would be in."""
        return self.web3.eth.get_block("pending")["timestamp"]

    def give(self, address: str, wei: int) -> None:
        """Make the account's balance at least that, from the first account."""
        transaction = self.web3.eth.send_transaction({"from": self.accounts[0], "to": address, "value": wei})  # type: ignore[typeddict-item]
        assert self.web3.eth.wait_for_transaction_receipt(transaction)["status"] == 1


class Anvil(Chain):
    """A chain on a free port, with ten funded unlocked accounts; killed on leaving. Mines a block per transaction."""

    def __init__(self, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", end_with_parent.__file__, str(os.getpid()), str(ANVIL), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "HOME": tempfile.gettempdir()},
        )
        assert self._process.stdout is not None
        output = ""
        for line in self._process.stdout:
            output += line
            if match := re.search(r"Listening on (\S+)", line):
                break
        else:
            raise RuntimeError(f"anvil did not start:\n{output}")
        threading.Thread(target=self._process.stdout.read, daemon=True).start()  # or its pipe fills up
        super().__init__(f"http://{match[1]}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def send_all(self, calls: Sequence[tuple[ContractFunction, str]], gas: int = 2_000_000) -> None:
        """These calls in their order, each by its account, in one block; every one must succeed."""
        sent = [{"from": a, "to": c.address, "data": c._encode_transaction_data(), "gas": hex(gas)} for c, a in calls]
        self.rpc("evm_setAutomine", False)
        try:
            hashes = [self.rpc("eth_sendTransaction", transaction) for transaction in sent]
            self.rpc("evm_mine")
        finally:
            self.rpc("evm_setAutomine", True)
        receipts = [self.rpc("eth_getTransactionReceipt", hash_) for hash_ in hashes]
        failed = [h for h, r in zip(hashes, receipts, strict=True) if r is None or int(r["status"], 16) != 1]
        assert not failed, f"{len(failed)} of {len(calls)} calls failed or were not mined: {failed[:3]}"

    def give(self, address: str, wei: int) -> None:
        """Set the account's balance."""
        self.rpc("anvil_setBalance", address, hex(wei))

    def set_time(self, timestamp: int) -> None:
        """Mine an empty block at `timestamp`."""
        self.rpc("evm_setNextBlockTimestamp", timestamp)
        self.rpc("evm_mine")
