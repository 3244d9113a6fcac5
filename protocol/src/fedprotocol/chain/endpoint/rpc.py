"""Several RPC endpoints as one web3 provider, which takes the first answer and no endpoint of another chain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from web3 import Web3
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers import JSONBaseProvider
from web3.types import RPCEndpoint, RPCError, RPCResponse

from fedprotocol.chain.endpoint.http import Endpoint, HttpResponse, NoAnswer, TooLarge
from fedprotocol.chain.endpoint.refusals import Weight, plain, weight
from fedprotocol.chain.errors import ChainError, ChainUnreachable, WrongChain, translated
from fedprotocol.printable import LONGEST_NAME, printable
from fedprotocol.urls import describe_status, http_url, without_credentials

TIMEOUT = 30.0  # seconds for one whole answer
GREETING = (
    5.0  # for the first answer of an endpoint, which says which chain it serves: one that hangs is found out soon
)
LIMIT_EXCEEDED = -32005
OK = 200  # of HTTP
PENDING, LATEST = "pending", "latest"

MIB = 2**20
LARGEST = {
    # The logs of a block of 250 million gas that holds only digests of proposals. A longer range is requested in
    # halves.
    "eth_getLogs": 64 * MIB,
    # A snapshot of two rounds of 256 updates is 0.4 MiB.
    "eth_call": 16 * MIB,
    # A block with the hashes of 60,000 transactions.
    "eth_getBlockByNumber": 4 * MIB,
    "eth_getBlockByHash": 4 * MIB,
    # Our own transactions, with 128 KiB of calldata. A receipt holds a page's digests as event data.
    "eth_getTransactionByHash": 4 * MIB,
    "eth_getTransactionReceipt": 4 * MIB,
}
LARGEST_OTHER = MIB  # largest answer to any other method, in bytes
MOST_VALUES = 2_000_000  # objects in one answer, because three bytes of JSON may take 64 bytes of memory


class FallbackProvider(JSONBaseProvider):
    """JSON-RPC over HTTP to `urls`, tried in order from the last one that worked.

    If one answers with an error, the next is asked, unless the error is certainly the chain's own
    (`fedprotocol.chain.endpoint.refusals`). If all answer with errors, the error that is most likely the chain's is the
    answer. If none can answer about the pending block, all are asked about the latest. Before an endpoint's first
    answer counts, it is asked for its chain id, and has GREETING seconds for that.

    Raises (from every request):
        ChainUnreachable: no endpoint answered.
        WrongChain: an endpoint serves another chain than `chain_id`.
    """

    def __init__(self, urls: Sequence[str], chain_id: int, timeout: float = TIMEOUT) -> None:
        """`timeout`: seconds for one whole answer."""
        super().__init__()
        self._urls = tuple(urls)
        self._names = [public_name(url) for url in urls]
        self._endpoints = [Endpoint(url) for url in urls]
        self._chain_id = chain_id
        self._timeout = timeout
        self._checked: set[int] = set()
        self._current = 0

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        response = self._first_answer(method, params)
        if PENDING not in params or _says_something(method, response):
            return response
        with suppress(ChainUnreachable):
            latest = self._first_answer(method, [LATEST if value == PENDING else value for value in params])
            if _says_something(method, latest):
                return latest
        return response

    def _first_answer(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        failures = []
        refusals: list[RPCResponse] = []
        for offset in range(len(self._endpoints)):
            index = (self._current + offset) % len(self._endpoints)
            try:
                self._check_chain(index)
                response = self._ask(index, method, params)
            except NoAnswer as error:
                failures.append(f"{self._names[index]} ({error})")
                continue
            if "error" in response and weight(method, response["error"]) < Weight.OF_THE_CHAIN:
                refusals.append(response)
                continue
            if not refusals:
                self._current = index
            return response
        if refusals:
            # the first of those that count most
            return max(refusals, key=lambda refusal: weight(method, refusal["error"]))
        raise ChainUnreachable(
            f"no RPC endpoint answers: {', '.join(failures)}; check that the node runs and the [chain] rpc setting"
        )

    def each(self, timeout: float | None = None) -> Iterator[tuple[str, FallbackProvider]]:
        """Each endpoint separately, by its public name. A number is added if two have the same name."""
        for index, (url, name) in enumerate(zip(self._urls, self._names, strict=True), start=1):
            shared = self._names.count(name) > 1
            yield (
                f"{name} ({index})" if shared else name,
                FallbackProvider([url], self._chain_id, timeout or self._timeout),
            )

    def _ask(self, index: int, method: RPCEndpoint, params: Any, at_most: float = TIMEOUT) -> RPCResponse:
        limit, seconds = LARGEST.get(method, LARGEST_OTHER), min(self._timeout, at_most)
        try:
            answer = self._endpoints[index].post(self.encode_rpc_request(method, params), limit, seconds)
        except TooLarge:
            message = f"{self._names[index]} answers {method} with more than {limit // MIB} MiB"
            return {"jsonrpc": "2.0", "id": 0, "error": RPCError(code=LIMIT_EXCEEDED, message=message)}
        return parsed(answer)

    def _check_chain(self, index: int) -> None:
        if index in self._checked:
            return
        response = self._ask(index, RPCEndpoint("eth_chainId"), [], GREETING)
        if "error" in response:
            raise NoAnswer(f"no chain id: {printable(response['error']['message'], LONGEST_NAME)}")
        try:
            actual = int(str(response["result"]), 16)
        except ValueError as error:
            raise NoAnswer("no chain id") from error
        if actual != self._chain_id:
            raise WrongChain(
                f"{self._names[index]} serves chain {actual}, this federation is on chain {self._chain_id}: "
                "correct [chain] rpc or chain_id"
            )
        self._checked.add(index)


def parsed(answer: HttpResponse) -> RPCResponse:
    """The JSON-RPC answer, which has either a result or an error in the form of `plain`, whatever the HTTP status was.
    Raises NoAnswer if it is no JSON-RPC answer, or would become gigabytes of objects.
    """
    otherwise = "" if answer.status == OK else describe_status(answer.status)
    if sum(map(answer.body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise NoAnswer(f"more than {MOST_VALUES:,} values")
    try:
        response = json.loads(answer.body)
    except (ValueError, RecursionError) as error:  # ValueError: neither JSON nor text
        raise NoAnswer((otherwise or "what it answers is no JSON") + answer.through) from error
    if not isinstance(response, dict) or ("result" not in response and response.get("error") is None):
        raise NoAnswer((otherwise or "what it answers is no JSON-RPC") + answer.through)
    if response.get("error") is not None:
        return RPCResponse(jsonrpc="2.0", id=0, error=plain(response["error"]))
    return RPCResponse(jsonrpc="2.0", id=0, result=_told(response["result"]))


def _told(value: Any) -> Any:
    """The answer without fields that are null. Some nodes leave out what they do not know, and only that form is
    understood by web3.py."""
    if isinstance(value, list):
        return [_told(item) for item in value]
    if isinstance(value, dict):
        return {key: _told(inner) for key, inner in value.items() if inner is not None}
    return value


def _says_something(method: str, response: RPCResponse) -> bool:
    """Whether this is a result that is not null, or an error that is the chain's."""
    if "error" in response:
        return weight(method, response["error"]) is Weight.OF_THE_CHAIN
    return response["result"] is not None


def public_name(url: str) -> str:
    """The endpoint's URL without the parts that may be secret: user, password, path, query. Raises ChainError if it is
    no http(s) URL.
    """
    try:
        return without_credentials(http_url(url))
    except ValueError as error:
        raise ChainError(f"the URL of an RPC endpoint {error}") from None


def connect_web3(rpc: str | Sequence[str], chain_id: int, timeout: float = TIMEOUT) -> Web3:
    """A Web3 on `rpc` (one URL or several). Errors: those of FallbackProvider, at once if no endpoint answers."""
    urls = [rpc] if isinstance(rpc, str) else list(rpc)
    if not urls:
        raise ChainError("no RPC endpoint is configured: set [chain] rpc")
    web3 = web3_on(FallbackProvider(urls, chain_id, timeout))
    with translated("eth_chainId"):
        _ = web3.eth.chain_id
    return web3


def web3_on(provider: FallbackProvider) -> Web3:
    """A Web3 that has sent no request yet."""
    web3 = Web3(provider)
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)  # accept the blocks of proof-of-authority chains
    # web3.py would ask for the chain's id twice in each call, although the provider knows it
    web3.middleware_onion.remove("validation")
    web3.provider.global_ccip_read_enabled = False  # a contract must not be able to make this program fetch URLs
    return web3
