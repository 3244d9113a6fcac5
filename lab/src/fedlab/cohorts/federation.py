"""The coordinator's rules with cohorts, in plain Python: the time and the chain's blocks are passed in.

What differs from `fedprotocol.reference.Federation`: any number of clients may join; `open` fixes the hat and the time
of the deciding block; `draw` takes that block's mix; `commit` names the sender's place in the cohort; the stake above
the least one carries no weight; and a client is absent if it was drawn and did not commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fedprotocol.reference import Event, Federation, errors
from fedprotocol.reference.transaction import call
from fedprotocol.types import FederationConfig, Phase, VoidReason

from fedlab.cohorts.errors import AlreadyDrawn, BlockOutOfReach, DrawPending, HatOpen, NotDrawn, NotDrawnYet, WrongBlock
from fedlab.cohorts.hat import cohort, seat_at, seed_of
from fedlab.cohorts.seats import Hat

LOOK_AHEAD = 4 * 32 * 12 + 4 * 12
"""Seconds from `open` to the deciding block: four epochs and four slots. Who proposes blocks then is not known when the
hat is fixed (EIP-4399, "Tips for application developers")."""
REACH = 8191
"""How many blocks back a contract can know a block's hash (EIP-2935); by the BLOCKHASH instruction alone it is 256."""


@dataclass(frozen=True)
class Header:
    """A block of the chain. The mix is what RANDAO had been before it (`prevRandao`, 32 bytes)."""

    time: int
    mix: bytes


@dataclass
class Draw:
    """`seats` are in the hat; the first block at or after `due` gives the seed."""

    seats: int
    due: int
    seed: bytes | None = None


class CohortFederation(Federation):
    """`max_clients` of the configuration is the size of a cohort. Append a header to `blocks` for every block."""

    def __init__(
        self,
        config: FederationConfig,
        *,
        chain_id: int,
        address: str,
        now: int,
        allowed: Callable[[str], bool | None] | None = None,
        parts: int = 1,
        look_ahead: int = LOOK_AHEAD,
        reach: int = REACH,
    ) -> None:
        if config.is_masked or config.train_length <= look_ahead:
            raise errors.BadConfig("mantissaBits" if config.is_masked else "trainLength")
        super().__init__(config, chain_id=chain_id, address=address, now=now, allowed=allowed, parts=parts)
        self.look_ahead, self.reach = look_ahead, reach
        self.blocks: list[Header] = []
        self.hat = Hat()
        self.draws: dict[int, Draw] = {}

    # ------------------------------------------------------------------- seats

    def join(self, sender: str, stake: int) -> list[Event]:
        events = super().join(sender, stake)
        self.hat.add(sender, self.next_round)
        return events

    def withdraw(self, sender: str) -> list[Event]:
        if sender in self.hat:
            self._require_still_hat()
        events = super().withdraw(sender)
        if sender in self.hat:
            self.hat.remove(sender, self.next_round)
        return events

    @call
    def vacate(self, sender: str, client: str) -> None:  # noqa: ARG002
        """Take a client that has left out of the hat. Anybody may, so that nobody can leave empty places there."""
        self._require_still_hat()
        if client not in self.hat:
            raise errors.NotSeated(client)
        if not self.accounts[client].exited:
            raise errors.NotDroppable(client)
        self.hat.remove(client, self.next_round)

    @call
    def drop(self, sender: str, client: str, missed: Sequence[tuple[int, int]] = ()) -> None:
        """`missed`: two final rounds, each with the place at which the client was drawn and did not commit."""
        self._settle_account(client, sender)
        account = self._seated(client)
        is_absent = len(dict(missed)) == 2 and all(self._missed(client, *one) for one in missed)
        if not is_absent and self._admits(client) is not False:
            raise errors.NotDroppable(client)
        self._unseat(account)
        self._emit("Dropped", client=client, by=sender, active_until=account.active_until)

    # ------------------------------------------------------------------ rounds

    @call
    def draw(self, sender: str, round_number: int, block: int) -> None:  # noqa: ARG002
        """`block`: the number of the first block at or after the time that `open` has set. Anybody may hand it in."""
        self._require_phase(round_number, Phase.TRAIN)
        draw = self.draws[round_number]
        if draw.seed is not None:
            raise AlreadyDrawn(round_number)
        if not 0 < block < len(self.blocks) or not self.blocks[block - 1].time < draw.due <= self.blocks[block].time:
            raise WrongBlock(block, draw.due)
        if len(self.blocks) - block > self.reach:
            raise BlockOutOfReach(block)
        draw.seed = seed_of(self.chain_id, self.address, round_number, self.blocks[block].mix)

    def commit(self, sender: str, round_number: int, prior_root: bytes, hash_: bytes, place: int = 0) -> list[Event]:
        if round_number not in self.draws or self.draws[round_number].seed is None:
            raise NotDrawnYet(round_number)
        if not self._is_at(sender, round_number, place):
            raise NotDrawn(sender, place, round_number)
        return super().commit(sender, round_number, prior_root, hash_)

    def drawn(self, round_number: int) -> list[str]:
        """The accounts of the cohort in the order of their places; none before the draw. For rounds since which no seat
        has got another index."""
        draw = self.draws[round_number]
        if draw.seed is None:
            return []
        return [self.hat.accounts[seat] for seat in cohort(draw.seed, self.config.max_clients, draw.seats)]

    def absent(self, round_number: int) -> dict[str, int]:
        """The places of those who were drawn and have not committed."""
        draw, r = self.draws[round_number], self.rounds[round_number]
        if draw.seed is None:
            return {}
        seats = enumerate(cohort(draw.seed, self.config.max_clients, draw.seats))
        found = {self.hat.accounts[seat]: place for place, seat in seats if seat < len(self.hat)}
        return {
            one: place for one, place in found.items() if one not in r.commits and self._is_at(one, round_number, place)
        }

    def silent(self) -> tuple[list[str], list[str]]:
        """As in every federation; whom anybody may drop are those absent from the last two final rounds."""
        indebted = [c for c in self.clients() if self._is_indebted(c, self.accounts[c])]
        finals = [number for number, _ in self.finals if number][-2:]
        missed = [self.absent(number) for number in finals]
        both = [c for c in missed[0] if c in missed[1] and c not in indebted] if len(missed) == 2 else []
        return [c for c in both if not self.accounts[c].exited], indebted

    def active_count(self) -> int:
        """Clients of the next cohort, if all who are seated can commit."""
        return min(self.config.max_clients, super().active_count())

    # --------------------------------------------------------------- the parts

    def _open(self) -> None:
        """Between two Trains there is always time to leave: a round that is void at once does not take it away."""
        last = self.last_opened()
        if last and self.status(last).phase != Phase.TRAIN:
            train_end = self.rounds[last].train_end
            still_until = (train_end if self.now >= train_end else self.status(last).start) + self.config.attest_length
            if self.now < still_until:
                raise HatOpen(last + 1, still_until)
        super()._open()
        self.draws[self.last_opened()] = Draw(len(self.hat), self.now + self.look_ahead)

    def _require_room(self) -> None:
        """There is room for everybody."""

    def _backed(self, stake: int) -> int:
        """How many examples a stake carries: that of a seat, and no more."""
        return super()._backed(min(stake, self.config.min_stake))

    def _is_at(self, client: str, round_number: int, place: int) -> bool:
        draw = self.draws[round_number]
        if draw.seed is None or not 0 <= place < min(self.config.max_clients, draw.seats):
            return False
        return self.hat.has(seat_at(draw.seed, place, draw.seats), client, round_number)

    def _missed(self, client: str, number: int, place: int) -> bool:
        r = self.rounds.get(number)
        is_final = r is not None and r.settled_at is not None and r.void_reason == VoidReason.NONE
        return is_final and client not in self.rounds[number].commits and self._is_at(client, number, place)

    def _require_still_hat(self) -> None:
        last = self.last_opened()
        if self.status(last).phase == Phase.TRAIN:
            raise DrawPending(last)
