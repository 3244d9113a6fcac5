"""What the site's policy says now. It is read anew in every turn, so that whoever changes it stops the node at once."""

from __future__ import annotations

from fedprotocol.chain.read.snapshot import Snapshot

from fednode.daemon.action_context import Tools
from fednode.policy.document import PolicyError
from fednode.policy.log import LogError
from fednode.policy.verdict import missing_peers
from fednode.site_policy import HEAD, head_in, site_policy


def policy_now(tools: Tools, chain: Snapshot) -> str:
    """Why nothing may leave now; empty: it may. Only accounts with a seat can take part in a round, so none is begun
    while too few of the policy's peers have one. Raises JournalError."""
    account, head = str(tools.sender.address), head_in(tools.journal)
    try:
        found = site_policy(tools.config, chain.config, account, head)
    except (PolicyError, LogError) as error:
        return str(error)
    if not found.history.is_cut and found.history.head not in ("", head):  # `approve` and `track` write to it too
        tools.journal.note(HEAD, found.history.head)
    if found.refusal or found.allowance is None or not found.allowance.peers:
        return found.refusal
    return missing_peers(found.allowance, account, chain.seated)
