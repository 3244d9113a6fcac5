"""The last look at the site's policy before an update leaves, and its entry in the site's log."""

from __future__ import annotations

from datetime import UTC, datetime

from fedprotocol.journal import UpdateRecord
from fedprotocol.types import ZERO

from fednode.daemon.action_context import Tools
from fednode.differential_privacy.departing import cost_of_update, require_noise
from fednode.policy.document import Allowance
from fednode.policy.entries import Left
from fednode.policy.log import Log
from fednode.policy.verdict import Forbidden, missing_peers
from fednode.site_policy import HEAD, head_in, site_policy


def allow_and_note(tools: Tools, update: UpdateRecord) -> None:
    """Returns when `update` may leave, and the log on the disk says that it does, and what it cost in privacy. An
    update is noted once, however often it is sent.

    Raises Forbidden, PolicyError, LogError, LedgerError, JournalError, ChainError, OSError: then it must not leave.
    """
    account, head = str(tools.sender.address), head_in(tools.journal)
    cost = cost_of_update(tools.config, update)
    noise = 0.0 if cost is None else cost.noise
    require_noise(tools.config, tools.spec, noise)
    found = site_policy(tools.config, tools.coordinator.config(), account, head, noise)
    if found.refusal:
        raise Forbidden(f"this site's policy does not let the update leave: {found.refusal}")
    allowance = found.allowance
    if allowance is not None and (missing := _missing(tools, update, allowance, account)):
        raise Forbidden(f"this site's policy does not let the update leave: {missing}")
    root = "0x" + update.root.hex()
    if any((left.round, left.root) == (update.round, root) for left in found.history.departures()):
        return
    left = Left(
        at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        chain_id=found.practice.chain_id,
        coordinator=found.practice.coordinator,
        account=account,
        round=update.round,
        root=root,
        bytes=update.car.stat().st_size,
        mode=found.practice.mode,
        examples=update.examples,
        loss_before=update.loss_before,
        loss_after=update.loss_after,
        epsilon=None if cost is None else cost.epsilon,
    )
    tools.journal.note(HEAD, Log(tools.config.policy_log).append(left, head))


def _missing(tools: Tools, update: UpdateRecord, allowance: Allowance, account: str) -> str:
    """Which of the policy's peers have not committed in the round, on the global that this update was trained on."""

    def takes_part(peer: str) -> bool:
        commitment = tools.coordinator.commitment(update.round, peer)
        return commitment.hash != ZERO and commitment.prior_root == update.prior_root

    return missing_peers(allowance, account, [peer for peer in allowance.peers if takes_part(peer)])
