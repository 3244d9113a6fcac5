#!/usr/bin/env python3
"""Write what follows from the presets of public chains (`fedprotocol.chains`): a federation file for each, and the
tables of docs/costs.md; `--check` fails if what is there differs."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from fedaggregator.disputes.price import CaseSize
from fedaggregator.rules import rule_named
from fedprotocol.chains import CHAINS, Chain
from fedprotocol.deployment.costs import CONTRACTS, costs, ether, in_short
from fedprotocol.masks.document import MASKED_RULE
from fedprotocol.quantities import size
from fedprotocol.types import MASKED_BITS

ROOT = Path(__file__).resolve().parent.parent
FILES, PAGE = ROOT / "examples/federations", ROOT / "docs/costs.md"
DOLLARS = 3_000  # an ether, as the page says
SITES, LEAVES, LEAF_VALUES, BITS, ROUNDS = 16, 512, 1_024, 8, 60
SPANS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def federation_file(chain: Chain) -> str:
    """A federation file for the chain, of which the sponsor still fills in the token and what it is worth."""
    phases = "\n".join(f'{name} = "{span(seconds)}"' for name, seconds in vars(chain.phases).items())
    token = (
        f"# `brownie run token --network {chain.brownie}` makes one that is worth nothing, and prints this line\n"
        if chain.is_test
        else "# An ERC-20 token that sites can get hold of\n"
    )
    return f"""\
# A federation on {chain.name}. Copy this file beside spec.json, as federation.toml, and fill in [money].
# federation.example.toml explains every key, and what is left out here has the value that stands there.
#
#     brownie networks modify {chain.brownie} host=https://…              # once: your endpoint
#     brownie run deploy plan federation.toml --network {chain.brownie}   # every figure and what it costs
#     brownie run deploy main federation.toml --network {chain.brownie}
#
# Chain id {chain.id}; {chain.finality}.
# Programs wait for {chain.confirmations} confirmations, about {chain.depth_seconds:.0f} s.

spec = "spec.json"

[phases]
{phases}

[money]
{token}# token = "0x…"

[proof]
gas_price = {chain.dearest_gwei:g}   # gwei: the dearest gas at which a proof should still pay
# ether = {DOLLARS}   # tokens that an ether is worth; must be given
block_time = "{max(1, round(chain.block_seconds))}s"
"""


def span(seconds: int) -> str:
    """`7200` -> `2h`: the largest unit that divides it."""
    return next(f"{seconds // size}{name}" for size, name in SPANS if seconds % size == 0)


def prices() -> str:
    rows = [(c.name, c.id, f"{c.gas_gwei:g}", f"{c.block_seconds:g} s", c.confirmations, c.finality) for c in CHAINS]
    return table(("chain", "id", "gas, gwei", "a block", "confirmations", "finality"), rows)


def shares() -> str:
    """What each one pays, in dollars."""
    gas = costs(SITES, LEAVES)
    parts = (gas.to_join, gas.a_round, ROUNDS * gas.a_round, gas.proposal, proof("fedavg", SITES, BITS), CONTRACTS)
    rows: list[Sequence[object]] = [("gas", *(f"{part:,}" for part in parts))]
    rows += [(chain.name, *(dollars(part, chain) for part in parts)) for chain in real()]
    head = ("", "to join", "a site's round", f"{ROUNDS} rounds of a site", "a proposal", "a proof", "the deployment")
    return table(head, rows)


def sizes() -> str:
    """What a round costs all together, in dollars, by the number of sites."""
    rows = []
    for sites in (4, 16, 64, 256):
        gas = costs(sites, LEAVES)
        whole = gas.round_of(sites)
        rows.append((sites, f"{whole:,}", *(dollars(whole, chain) for chain in real())))
    return table(("sites", "gas", *(chain.name for chain in real())), rows)


def masked() -> str:
    """A masked federation beside a public one, in gas and bytes, by the number of sites."""
    rows = []
    for sites in (4, 16, 64):
        a_round = f"{costs(sites, LEAVES).a_round:,}"
        for kind, rule, bits in (("public", "fedavg", BITS), ("masked", MASKED_RULE, MASKED_BITS)):
            impeached = f"{impeachment(sites):,}" if kind == "masked" else "–"
            update = LEAVES * LEAF_VALUES * bits // 8
            sent = (size(update), size((sites - 1) * update))
            rows.append((sites, kind, a_round, f"{proof(rule, sites, bits):,}", impeached, *sent))
    gas = ("a site's round", "a proof", "an impeachment")
    return table(("sites", "updates", *gas, "an update", "a site fetches"), rows)


def masked_shares() -> str:
    """The same in dollars, for the page's number of sites."""
    parts = (proof("fedavg", SITES, BITS), proof(MASKED_RULE, SITES, MASKED_BITS), impeachment(SITES))
    rows = [(chain.name, *(dollars(part, chain) for part in parts)) for chain in real()]
    return table(("", "a proof, public", "a proof, masked", "an impeachment"), rows)


def proof(rule: str, sites: int, bits: int) -> int:
    """The gas of convicting the dearest wrong leaf."""
    return sum(call.gas for call in CaseSize.largest(rule_named(rule), sites, LEAF_VALUES, bits, LEAVES).calls())


def impeachment(sites: int) -> int:
    """The gas of making a masked round void, by the leaf with the longest path."""
    siblings = (LEAVES - 1).bit_length()
    return sum(
        call.gas for call in CaseSize(rule_named(MASKED_RULE), sites, LEAF_VALUES, MASKED_BITS, siblings, ()).calls()
    )


def real() -> list[Chain]:
    return [chain for chain in CHAINS if not chain.is_test]


def dollars(gas: int, chain: Chain) -> str:
    return in_short(ether(gas, chain.gas_gwei) * Decimal(DOLLARS))


def table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def page(text: str) -> str:
    """The page with its tables as they are now."""
    tables = {"prices": prices, "shares": shares, "sizes": sizes, "masked": masked, "masked_shares": masked_shares}
    return TABLE.sub(lambda found: f"{found[1]}\n{tables[found[2]]()}\n{found[3]}", text)


def wanted() -> dict[Path, str]:
    """File -> content."""
    return {FILES / f"{c.name.lower()}.toml": federation_file(c) for c in CHAINS} | {PAGE: page(PAGE.read_text())}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on a difference")
    check = parser.parse_args().check
    stale = [path for path, text in wanted().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if not check:
            path.write_text(wanted()[path])
        print(f"{'differs' if check else 'wrote'}: {path.relative_to(ROOT)}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
