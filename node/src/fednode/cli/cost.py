"""`fednode cost`: what a federation would cost on the chains that have presets."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fedaggregator.cli.shared_options import JsonOption
from fedaggregator.cli.table import Column, Table, show
from fedprotocol.program.terminal import say

from fednode.cli.data_options import read_spec

if TYPE_CHECKING:
    from fedprotocol.chains import Chain

    from fednode.sponsor.estimate import Share

MOST_SITES = 256  # for more, gas was not measured


def cost(
    sites: Annotated[int, typer.Option(min=1, max=MOST_SITES, help="Number of sites in a round.")] = 16,
    spec: Annotated[
        Path | None,
        typer.Option(
            help="The federation's spec.json, or its folder. Default: an adapter of half a million values, 60 rounds."
        ),
    ] = None,
    chain: Annotated[
        list[str] | None,
        typer.Option(help="Chain by its name, such as Base. Repeat the option for several. Default: all with presets."),
    ] = None,
    gas_price: Annotated[
        float | None,
        typer.Option(min=0.0, help="Price of gas in gwei. Default: the preset's, which is not today's."),
    ] = None,
    ether_price: Annotated[
        float | None, typer.Option(min=0.0, help="Price of an ether. Costs are then in that currency, not in ether.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a federation would cost whom, in gas and in ether, and what is advised for each chain.

    Nothing is asked on any chain. `fednode federation plan` reckons with a federation file and the price of the moment.
    """
    from fedprotocol.chains import CHAINS

    from fednode.cli.common import preset, print_json
    from fednode.sponsor.estimate import Size, shares

    chosen = [preset(name) for name in chain] if chain else [one for one in CHAINS if not one.is_test]
    size = Size.usual(sites) if spec is None else Size.of_spec(read_spec(spec), sites)
    found = shares(size)
    unit = Decimal(1) if ether_price is None else Decimal(str(ether_price))
    prices = {one.name: Decimal(str(one.gas_gwei if gas_price is None else gas_price)) for one in chosen}
    if as_json:
        print_json(
            {
                "sites": size.sites,
                "rounds": size.rounds,
                "leaves": size.leaves,
                "rule": size.rule.name,
                "costs": [_as_json(share, prices, unit) for share in found],
                "chains": [_facts_as_json(one) for one in chosen],
            }
        )
        return
    say(f"{size.sites} sites, {size.rounds} rounds, {size.leaves} leaves in an update, rule {size.rule.name}")
    say(f"costs in {'ether' if ether_price is None else f'a currency of which an ether is {ether_price:g}'}", "")
    show(_table(found, prices, unit))
    say("")
    for one in chosen:
        say(*_facts(one, prices[one.name]))


def _priced(gas: int, gwei: Decimal, unit: Decimal) -> Decimal:
    from fedprotocol.deployment.costs import ether

    return ether(gas, gwei) * unit


def _table(found: Sequence[Share], prices: dict[str, Decimal], unit: Decimal) -> Table:
    from fedprotocol.deployment.costs import in_short

    chains = [Column(name, rank=rank, right=True) for rank, name in enumerate(prices)]
    rows = [
        (
            share.who,
            share.what,
            f"{share.gas:,}",
            *(in_short(_priced(share.gas, gwei, unit)) for gwei in prices.values()),
        )
        for share in found
    ]
    return Table((Column(""), Column(""), Column("gas", right=True), *chains), rows)


def _facts(chain: Chain, gwei: Decimal) -> list[str]:
    from fedprotocol.quantities import duration

    phases = ", ".join(f"{name} {duration(seconds)}" for name, seconds in vars(chain.phases).items())
    lines = [
        f"{chain.name} (chain {chain.id}) at {gwei:f} gwei: a block in {chain.block_seconds:g} s; acted upon after "
        f"{chain.confirmations} confirmations ({duration(chain.depth_seconds)}); {chain.finality}",
        f"  phases that suit it: {phases}",
    ]
    if chain.pays_for_data:
        lines.append("  besides, each transaction pays for its bytes on Ethereum")
    if chain.is_test:
        lines.append("  its ether is worth nothing")
    return lines


def _as_json(share: Share, prices: dict[str, Decimal], unit: Decimal) -> dict[str, object]:
    amounts = {name: float(_priced(share.gas, gwei, unit)) for name, gwei in prices.items()}
    return {"who": share.who, "what": share.what, "gas": share.gas, "amounts": amounts}


def _facts_as_json(chain: Chain) -> dict[str, object]:
    return {
        "name": chain.name,
        "id": chain.id,
        "block_seconds": chain.block_seconds,
        "confirmations": chain.confirmations,
        "finality": chain.finality,
        "phases": vars(chain.phases),
        "pays_for_data": chain.pays_for_data,
    }
