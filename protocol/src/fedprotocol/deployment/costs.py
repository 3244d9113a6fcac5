"""What a federation costs in gas, and gas in ether: for a plan before a deployment, and for a page of figures.

Gas is the dearest that tests have seen of each call (docs/gas.md), between 4 and 256 clients in proportion.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fedprotocol.chain.send.gas import SPARE_GAS

GWEI = Decimal(10) ** -9  # ether
PAGE_LEAVES = 2_048
FEW, MANY = 4, 256  # clients for which gas was measured
CONTRACTS = 7_800_000  # coordinator, disputes contract and rule, with the calldata of their creation
APPROVE = 50_000  # of an ordinary ERC-20 token

GAS: dict[str, tuple[int, int]] = {
    "join": (195_732, 195_732),
    "commit": (183_451, 165_794),
    "commit, the first of a round": (269_895, 300_178),
    "reveal": (235_366, 235_366),
    "attest": (98_597, 432_095),
    "settle, a round is final": (162_388, 406_504),
    "claim": (73_670, 58_290),
    "exit": (91_222, 107_383),
    "withdraw": (59_083, 59_083),
    "drop": (54_777, 113_369),
    "fund": (95_072, 95_072),
}
"""The gas of each call with 4 clients, and with 256. `tests/chain/contracts/gas_calls.json` has the same figures."""


@dataclass(frozen=True)
class Cost:
    """Gas of one who takes part.

    `to_join`: approval and seat. `a_round`: a client's commit, reveal and attestation. `opening`: what the client that
    opens a round pays on top. `proposal`: of one global, with its approval. `settling`: what the first call after a
    round pays on top. `to_leave`: claim, exit and withdrawal. `drop`: freeing a silent seat.
    """

    to_join: int
    a_round: int
    opening: int
    proposal: int
    settling: int
    to_leave: int
    drop: int

    def round_of(self, clients: int) -> int:
        """What a round costs all together."""
        return clients * self.a_round + self.opening + self.settling + self.proposal


def costs(clients: int, leaves: int) -> Cost:
    """With so many clients in a round, and a global of so many leaves."""
    commit = gas_of("commit", clients)
    return Cost(
        to_join=APPROVE + gas_of("join", clients),
        a_round=commit + gas_of("reveal", clients) + gas_of("attest", clients),
        opening=max(0, gas_of("commit, the first of a round", clients) - commit),
        proposal=APPROVE + proposal_gas(leaves),
        settling=gas_of("settle, a round is final", clients),
        to_leave=sum(gas_of(call, clients) for call in ("claim", "exit", "withdraw")),
        drop=gas_of("drop", clients),
    )


def gas_of(call: str, clients: int) -> int:
    """The gas of one call with this many clients. Beyond the numbers that were measured, it is the nearest figure."""
    few, many = GAS[call]
    share = min(max(clients - FEW, 0), MANY - FEW)
    return few + (many - few) * share // (MANY - FEW)


def gas_ahead(clients: int, joins: bool) -> int:
    """The gas that a client's transactions of one round are given, dearest case. `joins`: it takes its seat first."""
    cost = costs(clients, 1)
    used = cost.a_round + cost.opening + cost.settling + (cost.to_join if joins else 0)
    return used * 5 // 4 + SPARE_GAS


def proposed_gas(clients: int, leaves: int) -> int:
    """The gas that an aggregator's transactions of one round are given, dearest case."""
    return (APPROVE + proposal_gas(leaves) + gas_of("settle, a round is final", clients)) * 5 // 4 + SPARE_GAS


def proposal_gas(leaves: int) -> int:
    """The gas of all pages of a proposal. A digest of 32 bytes costs 40 gas a byte if that is more than the computing
    costs."""
    full, rest = divmod(leaves, PAGE_LEAVES)
    if rest == 0:
        full, rest = full - 1, PAGE_LEAVES
    return full * 2_640_000 + max(630_000 + 580 * rest, 21_000 + 1_285 * rest)


def creation_gas(init_code: bytes, code_bytes: int, storage: int) -> int:
    """The gas of making a contract through the deployer.

    Args:
        init_code: the deployment code, with the constructor's arguments.
        code_bytes: the length of the contract's code.
        storage: the gas that the constructor uses for storage.
    """
    zeros = init_code.count(0)
    calldata = 16 * (len(init_code) - zeros) + 4 * zeros
    return 21_000 + 32_000 + 1_000 + calldata + 2 * -(-len(init_code) // 32) + 200 * code_bytes + storage


def ether(gas: int, gwei: Decimal | float) -> Decimal:
    """What `gas` costs at a price in gwei, in ether."""
    return gas * Decimal(str(gwei)) * GWEI


def in_short(amount: Decimal) -> str:
    """Three digits that mean something, without an exponent: `0.000123`, `1.5`, `0`."""
    if not amount:
        return "0"
    places = max(0, 2 - amount.adjusted())
    return f"{amount:.{places}f}".rstrip("0").rstrip(".") if places else f"{amount:.0f}"
