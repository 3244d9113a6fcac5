"""The federation file: what a sponsor decides before deploying. `federation.example.toml` documents every key.

What the spec fixes (rounds, leaf size, mantissa width, largest shift, server learning rate, genesis) is read from it,
never repeated.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from fedprotocol.address import NOBODY
from fedprotocol.chain.amounts import MOST_DIGITS, AmountError, in_units
from fedprotocol.config import Address, RpcUrl, Section, load_config
from fedprotocol.errors import FedError
from fedprotocol.spec import Spec

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
BASIS_POINTS = 10_000
MOST_TOKENS = Decimal(1 << 128)  # the contract's limit for an amount, if the token has no decimals


class FederationError(FedError):
    """The federation file cannot be used; the message names the key and what is expected."""


def _seconds(value: object) -> object:
    """The seconds in 90, "90s", "15m", "4h" or "2d"."""
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+)\s*([smhd])", value.strip())
        if match is None:
            raise ValueError('must be a length of time such as "90s", "15m", "4h", "2d", or a number of seconds')
        return int(match[1]) * SECONDS[match[2]]
    if isinstance(value, bool | float):
        raise ValueError("must be a whole number of seconds, or a text such as 15m")
    return value


def _decimal(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError('must be an amount of whole tokens, such as 100 or "0.25"')
    return value


Seconds = Annotated[int, BeforeValidator(_seconds), Field(gt=0, lt=2**32)]
Tokens = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, lt=MOST_TOKENS, allow_inf_nan=False)]


class Members(Section):
    """`[members]`: who may take part."""

    min_clients: int = Field(default=3, ge=1, le=256, strict=True)
    max_clients: int = Field(default=32, ge=1, le=256, strict=True)
    allowlist: tuple[Address, ...] = ()
    gate: Address | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_clients > self.max_clients:
            raise ValueError(f"min_clients ({self.min_clients}) must not exceed max_clients ({self.max_clients})")
        if self.allowlist and self.gate is not None:
            raise ValueError("give allowlist (a gate is deployed for it) or gate (one that exists), not both")
        if len(set(self.allowlist)) != len(self.allowlist):
            raise ValueError("allowlist names an account twice")
        if self.allowlist and len(self.allowlist) < self.min_clients:
            raise ValueError(f"allowlist holds {len(self.allowlist)} accounts, min_clients asks for {self.min_clients}")
        return self


class Phases(Section):
    """`[phases]`: how long each may last. A phase ends early when everybody who may act has acted."""

    train: Seconds = 4 * 3600
    reveal: Seconds = 30 * 60
    attest: Seconds = 3600
    challenge: Seconds = 2 * 3600
    min_window: Seconds = 30 * 60
    abandon_after: Seconds = 2 * 86400

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_window > self.challenge:
            raise ValueError(f"min_window ({self.min_window} s) must not exceed challenge ({self.challenge} s)")
        return self


class Money(Section):
    """`[money]`: amounts in whole tokens."""

    token: Address | None = None
    sponsor: Address | None = None
    round_reward: Tokens = Decimal(100)
    aggregator_share: Decimal = Field(default=Decimal("0.1"), ge=0, le=1, allow_inf_nan=False)
    min_stake: Tokens = Decimal(100)
    stake_per_example: Tokens = Field(default=Decimal("0.01"), gt=0)
    penalty: Tokens = Decimal(10)
    bond: Annotated[Tokens, Field(gt=0)] | None = None
    pool: Tokens = Decimal(0)

    @field_validator("aggregator_share")
    @classmethod
    def _basis_points(cls, share: Decimal) -> Decimal:
        if share * BASIS_POINTS % 1:
            raise ValueError("must be a multiple of 0.0001")
        return share

    @field_validator("sponsor")
    @classmethod
    def _somebody(cls, sponsor: str | None) -> str | None:
        if sponsor == NOBODY:
            raise ValueError("is nobody's address; leave it out, and the deployer is the sponsor")
        return sponsor

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_stake < 4 * self.penalty:
            raise ValueError(f"min_stake ({self.min_stake}) must cover four penalties ({4 * self.penalty})")
        if self.min_stake - 2 * self.penalty < self.stake_per_example:
            raise ValueError(
                f"min_stake ({self.min_stake}) must buy one example (stake_per_example {self.stake_per_example}) even "
                f"after two penalties ({2 * self.penalty})"
            )
        return self


class Proof(Section):
    """`[proof]`: what the proof that convicts a wrong proposal may cost. The bond and the shortest window follow."""

    gas_price: Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, allow_inf_nan=False)] = Decimal(20)  # gwei
    ether: Tokens | None = None
    block_time: Seconds = 12


class Private(Section):
    """`[private]`: how long the slowest site of a masked federation needs. Its shortest phases follow."""

    masking: Seconds = 5 * 60
    transfer: Seconds = 20 * 60


class Invite(Section):
    """`[invitation]`: what the invitation says besides what the rest of the file and the chain do."""

    rpc: tuple[RpcUrl, ...] = ()  # none: the deployment's own, on development chains only
    peers: tuple[Annotated[str, AfterValidator(str.strip)], ...] = ()


class Federation(Section):
    """The whole file. `spec` is the path of the spec document, relative to the file."""

    spec: Path
    members: Members = Members()
    phases: Phases = Phases()
    money: Money = Money()
    proof: Proof = Proof()
    private: Private = Private()
    invitation: Invite = Invite()


class Contracts(Section):
    """The deployed contracts that a coordinator is configured with."""

    token: Address
    rule: Address
    disputes: Address
    gate: Address | None


def load_federation(path: Path) -> Federation:
    """Read a federation file; `spec` comes back absolute.

    Raises:
        FederationError: no such file.
        ConfigError: not TOML, or a key that is missing, unknown or wrong.
    """
    if not path.is_file():
        raise FederationError(
            f"there is no federation file {path}: copy federation.example.toml and name the copy with FEDERATION=path"
        )
    return load_config(path, Federation)


def to_units(key: str, tokens: Decimal, decimals: int) -> int:
    """`money.key` = `tokens` in the token's smallest unit, 10^-decimals.

    Raises:
        FederationError: not an amount of that token.
    """
    try:
        return in_units(tokens, decimals)
    except AmountError as error:
        written = f"{tokens:f}" if abs(tokens.adjusted()) <= MOST_DIGITS else str(tokens)
        raise FederationError(f"money.{key} = {written}: {error}") from None


def coordinator_config(
    federation: Federation, spec: Spec, spec_digest: bytes, contracts: Contracts, sponsor: str, decimals: int
) -> dict[str, Any]:
    """The fields of `IFederationCoordinator.Config`, by their Solidity names.

    Args:
        spec_digest: sha2-256 of the spec document, 32 bytes.
        sponsor: Address that may close the federation.
        decimals: Of the token.

    Raises:
        FederationError: an amount the token cannot express, or no bond.
    """
    members, phases, money = federation.members, federation.phases, federation.money

    def units(key: str) -> int:
        return to_units(key, getattr(money, key), decimals)

    if money.bond is None:
        raise FederationError("money.bond is not set: `fedaggregator.disputes.bond.settled` prices it")

    return {
        "token": contracts.token,
        "rule": contracts.rule,
        "gate": contracts.gate or NOBODY,
        "disputes": contracts.disputes,
        "sponsor": sponsor,
        "specDigest": spec_digest,
        "genesisRoot": bytes.fromhex(spec.genesis_root.removeprefix("0x")),
        "leafCount": spec.layout.leaf_count,
        "leafValues": spec.layout.leaf_values,
        "mantissaBits": spec.layout.mantissa_bits,
        "maxShift": spec.bounds.max_shift,
        "serverLr": spec.server_lr,
        "minClients": members.min_clients,
        "maxClients": members.max_clients,
        "totalRounds": spec.training.rounds,
        "aggregatorBps": int(money.aggregator_share * BASIS_POINTS),
        "roundReward": units("round_reward"),
        "minStake": units("min_stake"),
        "stakePerExample": units("stake_per_example"),
        "penalty": units("penalty"),
        "bondBase": units("bond"),
        "trainLength": phases.train,
        "revealLength": phases.reveal,
        "attestLength": phases.attest,
        "challengeLength": phases.challenge,
        "minWindow": phases.min_window,
        "abandonAfter": phases.abandon_after,
    }
