"""Whether the site's policy allows what its node would do: pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from fedprotocol.errors import FedError
from fedprotocol.program.doctor import CheckResult

from fednode.policy.document import Allowance, PolicyFile
from fednode.policy.entries import Approved
from fednode.policy.log import History
from fednode.policy.mode import Mode

SEEN_IN: dict[Mode, str] = {
    "public": "everybody sees this site's update, for ever",
    "masked": "others see only the weighted sum of all updates",
}


class Forbidden(FedError):
    """The site's policy does not allow it; the message says why, and what to do."""

    needs_person = True


@dataclass(frozen=True)
class Practice:
    """What the node would do: take part with `account` in the federation of this `chain_id` and `coordinator`, whose
    document has the digest `spec` (0x and 64 hexadecimal digits). `noise`: the multiplier of the noise that it adds, 0
    for none."""

    chain_id: int
    coordinator: str
    account: str
    spec: str
    mode: Mode
    noise: float = 0.0


def conditions(policy: PolicyFile, practice: Practice) -> Iterator[CheckResult]:
    """What the policy says of the practice, one condition after the other."""
    allowance = policy.policy.allowance(practice.spec)
    if allowance is None:
        yield CheckResult("spec", False, f"the policy does not name the federation with the spec {practice.spec}")
        return
    yield CheckResult("spec", True, f"the policy names {practice.spec}")
    seen = SEEN_IN[practice.mode]
    allowed = " and ".join(allowance.modes)
    yield CheckResult(
        "mode",
        practice.mode in allowance.modes,
        f"the federation is {practice.mode} ({seen}), and the policy allows {allowed}",
    )
    has_noise = practice.noise >= allowance.min_noise
    added = f"adds noise of {practice.noise:g}" if practice.noise else "adds no noise"
    wanted = f"wants at least {allowance.min_noise:g}" if allowance.min_noise else "wants none"
    yield CheckResult("noise", has_noise, f"this node {added}, and the policy {wanted}")


def approval(policy: PolicyFile, practice: Practice, history: History) -> CheckResult:
    """Whether somebody approved exactly this policy for exactly this federation, after whatever the log lacks."""
    found = _approval(policy, practice, history)
    if found is not None:
        return CheckResult("approval", True, f"approved by {found.by} at {found.at}")
    approved = [entry for _, entry in history.approvals() if _is_for(entry, practice)]
    if history.gap is not None and approved:
        why = "the log does not go on from what this node remembers"
    elif any(not entry.is_signed for entry in approved):
        why = "the log has an approval that this site's key did not sign"
    elif approved:
        why = f"what {approved[-1].by} approved at {approved[-1].at} was another text of the policy"
    else:
        why = "nobody has approved this policy for this federation"
    return CheckResult("approval", False, f"{why}: `fednode policy approve` shows it and signs the approval")


def log(history: History) -> CheckResult:
    """Whether the log is whole, or somebody approved after what it lacks."""
    left = len(history.departures())
    counted = f"{left} update{'' if left == 1 else 's'} left this site"
    if history.gap is None:
        return CheckResult("log", True, f"{counted}, and the log is whole")
    missing = f"{counted}, and the log lacks entries that this node wrote"
    if any(place >= history.gap and entry.is_signed for place, entry in history.approvals()):
        return CheckResult("log", True, f"{missing}; somebody approved after that")
    text = f"{missing}: put back the file from your backup, or, if it is lost, `fednode policy approve`"
    return CheckResult("log", False, text)


def judged(policy: PolicyFile, practice: Practice, history: History) -> tuple[CheckResult, ...]:
    """Everything that must be right before anything leaves, except that enough peers take part (`missing_peers`)."""
    return (*conditions(policy, practice), approval(policy, practice, history), log(history))


def without_policy(history: History) -> tuple[CheckResult, ...]:
    """The same where the config names no policy: a site that has approved one once cannot do without."""
    approvals = history.approvals()
    if approvals:
        _, last = approvals[-1]
        text = f'{last.by} approved a policy at {last.at}, and the config names none: policy = "policy.toml" does'
        return (CheckResult("policy", False, text),)
    return (CheckResult("policy", True, "none: nothing but the spec says what may leave this site"),)


def refusal(results: Sequence[CheckResult]) -> str:
    """Why it is not allowed; empty: it is."""
    return "; ".join(result.detail for result in results if not result.ok)


def missing_peers(allowance: Allowance, account: str, present: Collection[str]) -> str:
    """Why the accounts that are `present` are not enough for the policy; empty: they are. `account` is the site's own,
    which does not count."""
    peers = set(allowance.peers) - {account}
    here = peers & set(present)
    if len(here) >= allowance.needed_peers:
        return ""
    absent = ", ".join(sorted(peers - here))
    return f"{len(here)} of at least {allowance.needed_peers} peers that the policy names take part; missing: {absent}"


def may_be_told(policy: PolicyFile | None, practice: Practice, to: str) -> CheckResult:
    """Whether figures of this site may be sent `to` another machine. Without a policy whoever named it decides."""
    if policy is None:
        return CheckResult("trackers", True, f"figures of this site go to {to}, and there is no policy")
    allowance = policy.policy.allowance(practice.spec)
    allowed = () if allowance is None else allowance.trackers
    says = f"allows {', '.join(allowed)}" if allowed else "allows no tracker on another machine"
    return CheckResult("trackers", to in allowed, f"figures of this site would go to {to}, and the policy {says}")


def _approval(policy: PolicyFile, practice: Practice, history: History) -> Approved | None:
    gap = history.gap or 0
    for place, entry in reversed(history.approvals()):
        if place >= gap and _is_for(entry, practice) and entry.policy == policy.digest and entry.is_signed:
            return entry
    return None


def _is_for(entry: Approved, practice: Practice) -> bool:
    named = (entry.chain_id, entry.coordinator, entry.account, entry.spec)
    return named == (practice.chain_id, practice.coordinator, practice.account, practice.spec)
