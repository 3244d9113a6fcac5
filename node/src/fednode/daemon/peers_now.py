"""Whether enough of the site's own peers could take part in a masked round. It is asked in every turn, so that no round
is begun without them: to refuse after a commit costs the penalty and the seat."""

from __future__ import annotations

from fedprotocol.chain.read.snapshot import Snapshot

from fednode.daemon.action_context import Tools
from fednode.masking.members import too_few_peers


def peers_now(tools: Tools, chain: Snapshot) -> str:
    """Why no masked round may be begun now; empty: it may, or updates are public."""
    if not chain.config.is_masked:
        return ""
    private = tools.config.private
    if private is None:
        return NO_LIST
    return too_few_peers(private.peers, private.at_least, str(tools.sender.address), chain.seated)


NO_LIST = (
    "this federation masks updates, so that others see their sum alone, and a sum of strangers hides nothing: write "
    "accounts of sites that this one knows into [private] peers"
)
