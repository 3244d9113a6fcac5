"""The invitation of a federation that was just deployed: what its file, its spec and the chain say, for others."""

from __future__ import annotations

from pathlib import Path

from fedprotocol.address import NOBODY
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.code import shipped_version
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.trust import examine
from fedprotocol.config import ConfigError
from fedprotocol.deployment.federation_file import Federation
from fedprotocol.deployment.invitation import DataFormat, Invitation, Member, Terms, save
from fedprotocol.program.terminal import say
from fedprotocol.store.base import StoreError
from fedprotocol.store.places import kind_of

from fednode.federation.network import Network
from fednode.sponsor.new_spec import NewFederation


def check(federation: Federation) -> None:
    """Refuse places that nobody could read from. Raises ConfigError."""
    for peer in federation.invitation.peers:
        try:
            kind_of(peer)
        except StoreError as error:
            raise ConfigError(f"invitation.peers: {error}") from None


def write(
    network: Network,
    federation: Federation,
    made: NewFederation,
    coordinator: Coordinator,
    money: Amounts,
    record: Path,
) -> None:
    """Write the invitation beside the deployment's `record`, and say what it lacks."""
    config, spec = coordinator.config(), made.spec
    invitation = Invitation(
        kind="federation invitation",
        version=1,
        name=spec.name,
        chain_id=coordinator.chain_id,
        coordinator=coordinator.address,
        contracts=tuple(
            Member.model_validate(
                {"role": part.role, "address": part.address, "code": part.hash, "is_known": part.is_known}
            )
            for part in examine(coordinator)
        ),
        code_version=shipped_version(),
        spec_digest="0x" + made.digest.hex(),
        genesis_root=spec.genesis_root,
        base_model=spec.base_model.id,
        # Elsewhere the deployment's own URL may hold a key that is nobody else's.
        rpc=federation.invitation.rpc or (network.rpc if network.is_development else ()),
        peers=federation.invitation.peers,
        phases=federation.phases,
        terms=Terms(
            stake=money(config.min_stake),
            stake_per_example=money(config.stake_per_example),
            penalty=money(config.penalty),
            round_reward=money(config.round_reward),
            token=config.token,
            gate=None if config.gate == NOBODY else config.gate,
            min_clients=config.min_clients,
            max_clients=config.max_clients,
            rounds=config.total_rounds,
        ),
        data=DataFormat(
            template=spec.prompt.template,
            join=spec.prompt.join,
            classes=spec.evaluation.classes,
            sequence_length=spec.training.sequence_length,
        ),
    )
    path = save(invitation, record)
    say(f"  {'invitation':<12} {path}: send it to sites and aggregators, or put it where they can fetch it")
    if not invitation.peers:
        say(
            f"  {'':<12} it does not say where spec.json and genesis.car are served: name that in [invitation] peers, "
            "or send the files too"
        )
    if not invitation.rpc:
        say(f"  {'':<12} it names no Ethereum node ([invitation] rpc): who is invited needs one of their own")
