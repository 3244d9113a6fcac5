"""What a federation file must say where updates are masked, so that its contract can be deployed and no honest site
loses its seat: all who committed must reveal and vouch for each other, or the round is void."""

from __future__ import annotations

from collections.abc import Iterator

from fedprotocol.chains import usual_confirmations
from fedprotocol.deployment.federation_file import Federation, FederationError
from fedprotocol.masks.limits import max_weight
from fedprotocol.masks.transcript import MAX_MEMBERS, MIN_MEMBERS
from fedprotocol.quantities import duration
from fedprotocol.spec import Spec


def check_masked(federation: Federation, spec: Spec, chain_id: int) -> None:
    """Raise FederationError, which names every key that is wrong, unless a masked federation can be deployed like this.

    A federation whose updates are public passes, if the file has no `[private]`.
    """
    if not spec.is_masked:
        if "private" in federation.model_fields_set:
            raise FederationError(
                "private: this section is for a federation whose updates are masked, and its spec says nothing of "
                "that; leave it out, or make the spec with `fednode spec new --private`"
            )
        return
    if wrong := [*_members(federation), *_money(federation), *_phases(federation, chain_id)]:
        raise FederationError("\n  ".join(["this federation masks its updates, and so:", *wrong]))


def most_examples(federation: Federation) -> int:
    """How many examples a site can count for at most, whatever its stake."""
    return max_weight(federation.members.max_clients)


def _members(federation: Federation) -> Iterator[str]:
    members = federation.members
    if not members.allowlist and members.gate is None:
        yield (
            "members.allowlist: name the sites, or a gate; else one person could take all seats but one, and the sum "
            "would show the update of the last"
        )
    if members.min_clients < MIN_MEMBERS:
        yield (
            f"members.min_clients = {members.min_clients}: at least {MIN_MEMBERS}; of two sites each sees the update "
            "of the other as the rest of the sum"
        )
    if members.max_clients > MAX_MEMBERS:
        yield f"members.max_clients = {members.max_clients}: at most {MAX_MEMBERS}, as each masks with each other"


def _money(federation: Federation) -> Iterator[str]:
    money = federation.money
    if money.penalty < money.round_reward:
        yield (
            f"money.penalty = {money.penalty:f}: at least round_reward, {money.round_reward:f}; one site that does not "
            "finish voids the round of all others"
        )


def _phases(federation: Federation, chain_id: int) -> Iterator[str]:
    phases, private = federation.phases, federation.private
    settling = usual_confirmations(chain_id) * federation.proof.block_time
    for name, length, work in (("reveal", phases.reveal, "masking"), ("attest", phases.attest, "transfer")):
        least = settling + getattr(private, work)
        if length < least:
            yield (
                f"phases.{name} = {length} s: at least {least} s, which is {duration(settling)} until the phase before "
                f"is final on this chain and private.{work}, {duration(getattr(private, work))}; a site that is late "
                "loses its seat"
            )
