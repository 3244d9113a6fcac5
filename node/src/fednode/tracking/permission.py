"""The site's policy before figures go to another machine, and their entry in the site's log.

Everything is read from the disk, because the process that hands figures on asks no chain and leaves the journal to the
node.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from fedprotocol.chain.account.signer import address_of
from fedprotocol.errors import FedError
from fedprotocol.spec import Spec, load_spec, spec_digest

from fednode.config import NodeConfig
from fednode.policy.document import load_policy
from fednode.policy.entries import Told
from fednode.policy.log import Log
from fednode.policy.mode import mode_of
from fednode.policy.verdict import Forbidden, Practice, judged, may_be_told, refusal, without_policy
from fednode.site_policy import head_on_disk
from fednode.tracking.chapters import Chapter, Kind


def allow_and_note(config: NodeConfig, to: str, chapters: Sequence[Chapter]) -> None:
    """Returns when the chapters may go `to` another machine, and the log on the disk says that they do.

    Raises Forbidden, PolicyError, LogError, JournalError, NoAccount, KeystoreError: then they must stay here.
    """
    trained, scored, settled = (_rounds(chapters, kind) for kind in (Kind.TRAINED, Kind.SCORED, Kind.SETTLED))
    _allow_and_note(config, practice_on_disk(config), to, trained, scored, settled)


def allow_and_note_score(config: NodeConfig, practice: Practice, to: str, number: int) -> None:
    """As `allow_and_note`, for this site's score of the global of round `number`."""
    _allow_and_note(config, practice, to, scored=(number,))


def _allow_and_note(
    config: NodeConfig,
    practice: Practice,
    to: str,
    trained: tuple[int, ...] = (),
    scored: tuple[int, ...] = (),
    settled: tuple[int, ...] = (),
) -> None:
    log, head = Log(config.policy_log), head_on_disk(config)
    history = log.read(head)
    policy = None if config.policy is None else load_policy(config.policy)
    results = without_policy(history) if policy is None else judged(policy, practice, history)
    if why := refusal([*results, may_be_told(policy, practice, to)]):
        raise Forbidden(f"this site's policy keeps its figures here: {why}")
    told = Told(
        at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        chain_id=practice.chain_id,
        coordinator=practice.coordinator,
        account=practice.account,
        to=to,
        trained=trained,
        scored=scored,
        settled=settled,
    )
    log.append(told, head)


def _rounds(chapters: Sequence[Chapter], kind: Kind) -> tuple[int, ...]:
    return tuple(chapter.round for chapter in chapters if chapter.kind is kind)


def practice_on_disk(config: NodeConfig) -> Practice:
    """As `practice_of` says it, by the spec that the node has left on the disk."""
    spec, digest = known_spec(config)
    return Practice(
        chain_id=config.chain.chain_id,
        coordinator=config.chain.coordinator,
        account=str(address_of(config.account)),
        spec="0x" + digest.hex(),
        mode=mode_of(spec.layout.mantissa_bits),
        noise=0.0 if config.privacy is None else config.privacy.noise,
    )


def known_spec(config: NodeConfig) -> tuple[Spec, bytes]:
    """The federation's spec and its digest. Raises FedError if the node has not had it yet."""
    try:
        content = config.known_spec.read_bytes()
    except OSError:
        raise FedError(
            f"the federation's spec is not known yet: {config.known_spec} is made by `fednode run`"
        ) from None
    return load_spec(content), spec_digest(content)
