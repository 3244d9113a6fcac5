"""A new federation file, for the sponsor to fill in."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fedprotocol.chains import Chain
from fedprotocol.files.whole import write_whole

from fednode.federation.network import SponsorError

EXAMPLE_DOLLARS = 3_000  # an ether, in the files and in docs/costs.md
SPANS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def write_new(path: Path, chain: Chain | None) -> None:
    """Write the file with what suits `chain`; None: with every key and its default.

    Raises SponsorError if there is such a file.
    """
    if path.exists():
        raise SponsorError(f"{path} exists and is not overwritten: name another file, or move it away")
    write_whole(path, every_key() if chain is None else file_for(chain))


def every_key() -> str:
    """federation.example.toml."""
    return files("fednode.federation").joinpath("example.toml").read_text()


def file_for(chain: Chain) -> str:
    """A federation file for the chain, of which the sponsor still fills in the token and what it is worth."""
    phases = "\n".join(f'{name} = "{span(seconds)}"' for name, seconds in vars(chain.phases).items())
    token_new = f'`fednode federation token new --chain "{chain.name}"`'
    token = (
        f"# {token_new} makes one that is worth nothing, and prints this line\n"
        if chain.is_test
        else "# An ERC-20 token that sites can get hold of\n"
    )
    return f"""\
# A federation on {chain.name}. Copy this file beside spec.json, as federation.toml, and fill in [money].
# federation.example.toml explains every key, and what is left out here has the value that stands there.
# `fednode federation new` writes both.
#
#     fednode federation plan federation.toml --chain "{chain.name}"     # every figure and what it costs
#     fednode federation deploy federation.toml --chain "{chain.name}"   # --rpc https://… names your endpoint
#
# In a checkout, brownie does the same:
#
#     brownie networks modify {chain.brownie} host=https://…              # once: your endpoint
#     brownie run deploy plan federation.toml --network {chain.brownie}
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
# ether = {EXAMPLE_DOLLARS}   # tokens that an ether is worth; must be given
block_time = "{max(1, round(chain.block_seconds))}s"
"""


def span(seconds: int) -> str:
    """`7200` -> `2h`: the largest unit that divides it."""
    return next(f"{seconds // size}{name}" for size, name in SPANS if seconds % size == 0)
