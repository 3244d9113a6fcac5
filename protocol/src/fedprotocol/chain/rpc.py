"""Several RPC endpoints as one web3 provider: the first that answers, and none of another chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import RequestException, Timeout
from web3 import HTTPProvider, Web3
from web3.exceptions import BadResponseFormat
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers import JSONBaseProvider
from web3.providers.rpc.utils import ExceptionRetryConfiguration
from web3.types import RPCEndpoint, RPCResponse

from fedprotocol.chain.errors import ChainError, ChainUnreachable, WrongChain

TIMEOUT = 30.0  # seconds for one answer
NOT_FROM_HERE = {-32601, -32005, 429}  # no such method here, or a limit of this provider: another may answer


class FallbackProvider(JSONBaseProvider):
    """JSON-RPC over HTTP to `urls`, tried in order from the last one that worked.

    One that does not serve a method, or refuses it for a limit of its own, is passed over for that request; if all do,
    the first one's refusal is the answer.

    An endpoint is asked for its chain id before its first other answer counts.

    Raises (from every request):
        ChainUnreachable: no endpoint answered.
        WrongChain: an endpoint serves another chain than `chain_id`.
    """

    def __init__(self, urls: Sequence[str], chain_id: int, timeout: float = TIMEOUT) -> None:
        super().__init__()
        retries = ExceptionRetryConfiguration(errors=(NoConnection, Timeout), retries=3, backoff_factor=0.25)
        self._names = [public_name(url) for url in urls]
        self._endpoints = [
            HTTPProvider(url, request_kwargs={"timeout": timeout}, exception_retry_configuration=retries)
            for url in urls
        ]
        self._chain_id = chain_id
        self._checked: set[int] = set()
        self._current = 0

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        failures = []
        refusals: list[RPCResponse] = []
        for offset in range(len(self._endpoints)):
            index = (self._current + offset) % len(self._endpoints)
            try:
                self._check_chain(index)
                response = self._endpoints[index].make_request(method, params)
                if not isinstance(response, dict):
                    raise BadResponseFormat(method)
            except (RequestException, BadResponseFormat, ValueError) as error:  # ValueError: neither JSON nor text
                failures.append(f"{self._names[index]} ({type(error).__name__})")
                continue
            if _error_code(response) in NOT_FROM_HERE:
                refusals.append(response)
                continue
            if not refusals:
                self._current = index
            return response
        if refusals:
            return refusals[0]
        raise ChainUnreachable(
            f"no RPC endpoint answers: {', '.join(failures)}; check that the node runs and the [chain] rpc setting"
        )

    def _check_chain(self, index: int) -> None:
        if index in self._checked:
            return
        response = self._endpoints[index].make_request(RPCEndpoint("eth_chainId"), [])
        try:
            actual = int(str(response["result"]), 16)
        except (KeyError, ValueError, TypeError) as error:
            raise BadResponseFormat("eth_chainId") from error
        if actual != self._chain_id:
            raise WrongChain(
                f"{self._names[index]} serves chain {actual}, this federation is on chain {self._chain_id}: "
                "correct [chain] rpc or chain_id"
            )
        self._checked.add(index)


def _error_code(response: RPCResponse) -> Any:
    error = response.get("error")
    return error.get("code") if isinstance(error, dict) else None


def public_name(url: str) -> str:
    """The endpoint without what may be secret in it: user, password, path, query.

    Raises ChainError for something that is no http(s) URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ChainError("an RPC endpoint must be an http:// or https:// URL")
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def connect_web3(rpc: str | Sequence[str], chain_id: int, timeout: float = TIMEOUT) -> Web3:
    """A Web3 on `rpc` (one URL or several). Errors: those of FallbackProvider, at once if no endpoint answers."""
    urls = [rpc] if isinstance(rpc, str) else list(rpc)
    if not urls:
        raise ChainError("no RPC endpoint is configured: set [chain] rpc")
    web3 = Web3(FallbackProvider(urls, chain_id, timeout))
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)  # blocks of proof-of-authority chains
    web3.middleware_onion.remove("validation")  # it asks for the chain's id twice in each call; the provider knows it
    web3.provider.global_ccip_read_enabled = False  # a contract must not make us fetch URLs of its choice
    _ = web3.eth.chain_id
    return web3
