"""The policy that a config names, the site's log, and what they say of the federation that the config names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedprotocol.program.doctor import CheckResult
from fedprotocol.types import FederationConfig

from fednode.config import NodeConfig
from fednode.policy.document import Allowance, PolicyFile, load_policy
from fednode.policy.log import History, Log
from fednode.policy.mode import mode_of
from fednode.policy.verdict import Forbidden, Practice, judged, refusal, without_policy

if TYPE_CHECKING:
    from fedprotocol.journal import Journal

    from fednode.session import Session

HEAD = "policy.log"  # the fact in the journal that names the log's last line


@dataclass(frozen=True)
class SitePolicy:
    """`policy`: None if the config names none. `results`: everything that must be right before anything leaves."""

    policy: PolicyFile | None
    practice: Practice
    history: History
    results: tuple[CheckResult, ...]

    @property
    def refusal(self) -> str:
        """Why nothing may leave; empty: it may."""
        return refusal(self.results)

    @property
    def allowance(self) -> Allowance | None:
        """What the policy says of this federation."""
        return None if self.policy is None else self.policy.policy.allowance(self.practice.spec)


def practice_of(config: NodeConfig, terms: FederationConfig, account: str, noise: float | None = None) -> Practice:
    """What the node would do in the federation with these `terms`. `noise`: that of an update; None: the config's."""
    planned = 0.0 if config.privacy is None else config.privacy.noise
    return Practice(
        chain_id=config.chain.chain_id,
        coordinator=config.chain.coordinator,
        account=account,
        spec="0x" + terms.spec_digest.hex(),
        mode=mode_of(terms.mantissa_bits),
        noise=planned if noise is None else noise,
    )


def site_policy(
    config: NodeConfig, terms: FederationConfig, account: str, head: str, noise: float | None = None
) -> SitePolicy:
    """`head`: the log's last line that the journal knows of; empty: none. `noise`: the multiplier with which an update
    was trained; None: what the config says is judged. Raises PolicyError, LogError."""
    practice = practice_of(config, terms, account, noise)
    policy = None if config.policy is None else load_policy(config.policy)
    history = Log(config.policy_log).read(head)
    results = without_policy(history) if policy is None else judged(policy, practice, history)
    return SitePolicy(policy, practice, history, results)


def head_in(journal: Journal) -> str:
    """The log's last line that this node wrote; empty: it wrote none. Raises JournalError."""
    return str(journal.recall(HEAD, ""))


def head_on_disk(config: NodeConfig) -> str:
    """The same while another process has the journal, or there is none yet. Raises JournalError."""
    from fedprotocol.journal import Journal

    if not config.journal.is_file():
        return ""
    with Journal(config.journal, read_only=True) as journal:
        return head_in(journal)


def policy_of(session: Session) -> SitePolicy:
    """What the site's policy says of the federation of `session`. Raises PolicyError, LogError, JournalError,
    ChainError."""
    config = session.config
    return site_policy(config, session.coordinator.config(), session.address, head_on_disk(config))


def require_allowed(session: Session) -> None:
    """Raises Forbidden if the policy allows nothing to leave for this federation, and the errors of `policy_of`."""
    why = policy_of(session).refusal
    if why:
        raise Forbidden(f"this site's policy does not allow it: {why}")
