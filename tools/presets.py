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
from fednode.federation.new_file import EXAMPLE_DOLLARS, file_for
from fedprotocol.chains import CHAINS, Chain
from fedprotocol.deployment.costs import CONTRACTS, costs, ether, in_short
from fedprotocol.masks.document import MASKED_RULE
from fedprotocol.quantities import size
from fedprotocol.types import MASKED_BITS

ROOT = Path(__file__).resolve().parent.parent
FILES, PAGE = ROOT / "examples/federations", ROOT / "docs/costs.md"
SITES, LEAVES, LEAF_VALUES, BITS, ROUNDS = 16, 512, 1_024, 8, 60
TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


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
    return in_short(ether(gas, chain.gas_gwei) * Decimal(EXAMPLE_DOLLARS))


def table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def page(text: str) -> str:
    """The page with its tables as they are now."""
    tables = {"prices": prices, "shares": shares, "sizes": sizes, "masked": masked, "masked_shares": masked_shares}
    return TABLE.sub(lambda found: f"{found[1]}\n{tables[found[2]]()}\n{found[3]}", text)


def wanted() -> dict[Path, str]:
    """File -> content."""
    return {FILES / f"{c.name.lower()}.toml": file_for(c) for c in CHAINS} | {PAGE: page(PAGE.read_text())}


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
