"""An account with code that one of the row's actors directs (contracts/mocks/Puppet.sol)."""

from __future__ import annotations

from typing import Any

from fedprotocol.chain.errors import decode_revert
from hexbytes import HexBytes
from support.live_federation import TOKEN
from web3 import Web3

from attacks.actors import Actor
from attacks.arena import Arena


class Puppet:
    """Its tokens are its master's, and so is what becomes of them."""

    def __init__(self, arena: Arena, master: Actor, tokens: int = 10_000 * TOKEN) -> None:
        self._contract = arena.chain.deploy("Puppet")
        self._token = arena.federation.token
        self.address = Web3.to_checksum_address(self._contract.address)
        arena.federation.mint(self.address, tokens)
        name = arena.name_of(master.address)
        arena.books.enter(arena.party(name), self.address)

    def all_of(self, *calls: Any) -> Any:
        """The call that lets it make these, or none of them if one is refused."""
        return self._contract.functions.run([_encoded(call) for call in calls])

    def ambush(self, call: Any, inner: Any) -> Any:
        """Like `all_of(call)`; during the first transfer of a ReentrantToken it makes `inner`, and insists on it."""
        return self.all_of(self.armed(self.all_of(inner)), call)

    def quiet_ambush(self, call: Any, inner: Any) -> Any:
        """The same, but it puts up with `inner` being refused."""
        return self.all_of(self.armed(self.attempt(inner)), call)

    def attempt(self, call: Any) -> Any:
        """The call that lets it make this one, whatever comes of it."""
        return self._contract.functions.attempt(_encoded(call))

    def armed(self, call: Any) -> Any:
        """A ReentrantToken's `arm`: it makes `call` during the next transfer, whoever's that is."""
        return self._token.functions.arm(call.address, _encoded(call)[1])

    def refused(self) -> list[str]:
        """Names of the errors that its attempts met. Raises AssertionError if one was let in."""
        assert self._contract.functions.successes().call() == 0, "an attempt was let in"
        return [decode_revert(data, "").name for data in self._contract.functions.refusals().call()]


def _encoded(call: Any) -> tuple[str, bytes]:
    return call.address, bytes(HexBytes(call._encode_transaction_data()))
