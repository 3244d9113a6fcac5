"""Chains that a federation can stand on, and how deep on each of them a block must lie before it is acted upon.

A preset is a suggestion that a sponsor copies. What a site writes into its own config always counts.
"""

from __future__ import annotations

from dataclasses import dataclass

HOUR = 3600
DEVELOPMENT_CHAINS = frozenset({1337, 31337})  # geth --dev and ganache; anvil and hardhat
CONFIRMATIONS = 2  # where the file names none, on a chain that is not listed here


@dataclass(frozen=True)
class Phases:
    """Lengths of a round's phases, in seconds, by the names of the federation file."""

    train: int = 4 * HOUR
    reveal: int = HOUR // 2
    attest: int = HOUR
    challenge: int = 2 * HOUR
    min_window: int = HOUR // 2
    abandon_after: int = 48 * HOUR


WITH_SEQUENCER = Phases(
    reveal=2 * HOUR, attest=3 * HOUR, challenge=24 * HOUR, min_window=3 * HOUR, abandon_after=96 * HOUR
)
"""One sequencer makes all blocks, and has stood still for hours. Phases go on meanwhile, because the first block after
it has the time of the clock. So no phase is shorter than such a pause."""


@dataclass(frozen=True)
class Chain:
    """One public chain.

    `block_seconds`: usual time between two blocks. `confirmations`: blocks on top of what is acted upon, which take
    `confirmations * block_seconds` seconds. `finality`: when a block can no longer be taken back, in words.
    `brownie`: the name under which `brownie run --network` is shown. `rpc`: an endpoint that anybody may ask, good for
    a try and not for a node that must not fail. `gas_gwei`: a price of gas to reckon with, which is not today's.
    `is_test`: its ether is worth nothing.
    """

    id: int
    name: str
    brownie: str
    rpc: str
    block_seconds: float
    confirmations: int
    finality: str
    phases: Phases
    gas_gwei: float
    is_test: bool = False
    pays_for_data: bool = False  # besides gas, a transaction pays for its bytes on Ethereum

    @property
    def depth_seconds(self) -> float:
        """How long the confirmations take."""
        return self.confirmations * self.block_seconds

    @property
    def dearest_gwei(self) -> float:
        """A price of gas at which a proof should still pay: bytes that are paid for besides gas are in it."""
        return self.gas_gwei * (20 if self.pays_for_data else 4)


_ON_ETHEREUM = "a block is final about 15 minutes after it was made"
_ON_A_ROLLUP = "the sequencer's word until Ethereum has it, final about 20 minutes after it was made"

CHAINS: tuple[Chain, ...] = (
    Chain(1, "Ethereum", "mainnet", "https://ethereum-rpc.publicnode.com", 12, 3, _ON_ETHEREUM, Phases(), 5),
    Chain(
        11155111,
        "Sepolia",
        "sepolia",
        "https://ethereum-sepolia-rpc.publicnode.com",
        12,
        3,
        _ON_ETHEREUM,
        Phases(),
        5,
        is_test=True,
    ),
    Chain(
        8453,
        "Base",
        "base-main",
        "https://mainnet.base.org",
        2,
        10,
        _ON_A_ROLLUP,
        WITH_SEQUENCER,
        0.02,
        pays_for_data=True,
    ),
    Chain(
        42161,
        "Arbitrum",
        "arbitrum-main",
        "https://arb1.arbitrum.io/rpc",
        0.25,
        80,
        _ON_A_ROLLUP,
        WITH_SEQUENCER,
        0.05,
        pays_for_data=True,
    ),
    Chain(
        10,
        "Optimism",
        "optimism-main",
        "https://mainnet.optimism.io",
        2,
        10,
        _ON_A_ROLLUP,
        WITH_SEQUENCER,
        0.02,
        pays_for_data=True,
    ),
)


def known_chain(chain_id: object) -> Chain | None:
    """The preset of a chain; None for one that is not listed."""
    return next((chain for chain in CHAINS if chain.id == chain_id), None)


def chain_named(name: str) -> Chain | None:
    """The preset by its name or by brownie's, in any case of letters."""
    return next((chain for chain in CHAINS if name.lower() in (chain.name.lower(), chain.brownie)), None)


def usual_confirmations(chain_id: object) -> int:
    """How deep a block must lie where a config file does not say: 0 on development chains alone."""
    if chain_id in DEVELOPMENT_CHAINS:
        return 0
    chain = known_chain(chain_id)
    return chain.confirmations if chain is not None else CONFIRMATIONS


def describe_depth(chain_id: int, confirmations: int) -> str:
    """What so many confirmations mean on a chain, and whether that is what is usual there."""
    usual, chain = usual_confirmations(chain_id), known_chain(chain_id)
    where = chain.name if chain is not None else f"chain {chain_id}"
    if chain_id in DEVELOPMENT_CHAINS:
        if not confirmations:
            return "0: every block counts as final, as is usual on a development chain"
        return f"{confirmations}, as the config file says: what is acted upon and sent lies under that many blocks"
    if not confirmations:
        return (
            f"0, as the config file says: every block counts as final, though {where} is no development chain. A block "
            "that a re-org takes back was answered by then with what cannot be taken back, such as a reveal"
        )
    said = f"{confirmations}: what is acted upon and sent lies under that many blocks"
    if chain is not None:
        seconds = confirmations * chain.block_seconds
        said += f", about {seconds:.0f} s on {chain.name} ({chain.finality})"
    if confirmations == usual:
        return said + (f"; the usual depth on {where}" if chain is not None else f"; {where} has no preset")
    return f"{said}; the config file says so, usual on {where} are {usual}"
