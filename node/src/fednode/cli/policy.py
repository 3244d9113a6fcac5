"""`fednode policy`: what the site's own policy says, who approved it, and everything that left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from fedaggregator.cli.shared_options import JsonOption
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session, open_to_read, print_json

if TYPE_CHECKING:
    from fedprotocol.errors import FedError
    from fedprotocol.program.doctor import CheckResult

    from fednode.policy.document import PolicyFile
    from fednode.policy.entries import Approved
    from fednode.policy.verdict import Practice
    from fednode.session import Session
    from fednode.site_policy import SitePolicy

app = typer.Typer(help="Say what may leave this site, approve it, and see what left.", no_args_is_help=True)


@app.command("check")
def check(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Compare the federation that the config names with the site's policy. Exits with 1 if nothing may leave.

    The policy is the file that `policy` in the config names. It says in which federations this site takes part, in
    which modes, with how much noise and with which peers. Neither a spec nor another setting overrides it.
    """
    from dataclasses import asdict

    from fedprotocol.program.doctor import as_text

    from fednode.site_policy import policy_of

    with open_to_read(config) as session:
        found = policy_of(session)
        if found.policy is None and not found.refusal:
            raise _no_policy(found.practice.spec)
        results = [*found.results, *_peers(session, found), *_trackers(session, found)]
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        say(*(line for result in results for line in as_text(result)))
    if any(result.ok is False for result in results):
        raise typer.Exit(1)


@app.command("approve")
def approve(
    by: Annotated[str, typer.Option(help="Name and office of the person who approves, such as 'J. Doe, DPO'.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve without being asked at the terminal.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show the federation and the policy, ask, and sign with the site's key that it may take part.

    The approval goes into the site's log. It is for this federation and for the policy's text as it is now: after any
    change of that text it must be given again. To take it back, remove the federation from the policy.
    """
    import sys

    from fedprotocol.errors import FedError

    from fednode.policy.in_words import to_be_approved
    from fednode.policy.log import Log
    from fednode.policy.verdict import Forbidden, conditions, refusal
    from fednode.site_policy import head_on_disk, policy_of

    with open_session(config) as session:
        found = policy_of(session)
        if found.policy is None:
            raise _no_policy(found.practice.spec)
        if why := refusal(list(conditions(found.policy, found.practice))):
            raise Forbidden(f"this policy could be approved, but would not let anything leave: {why}")
        spec = session.spec
        say(*to_be_approved(found.policy, found.practice, spec, session.coordinator.config()))
        if not yes:
            if not sys.stdin.isatty():
                raise FedError("nobody is there to be asked: use a terminal, or --yes once you have read it")
            typer.confirm("Approve?", abort=True)
        approval = _signed(session, found.practice, found.policy, spec.name, by)
        Log(session.config.policy_log).append(approval, head_on_disk(session.config))
        say(f"approved by {approval.by} at {approval.at}, signed with the key of {approval.account}")


@app.command("log")
def log(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Show every approval, and everything that left this site: updates, and figures of training.

    Exits with 1 if entries are missing. The log is `policy-log.jsonl` in the config's home. This command asks neither
    the chain nor for a password.
    """
    from fednode.config import load
    from fednode.policy.in_words import log_lines
    from fednode.policy.log import Log
    from fednode.site_policy import head_on_disk

    settings = load(config)
    history = Log(settings.policy_log).read(head_on_disk(settings))
    if as_json:
        print_json([{**line.entry.model_dump(mode="json"), "follows": line.follows} for line in history.lines])
    else:
        lines = list(log_lines(history))
        say(*lines or [f"nothing has left this site, and nobody has approved a policy ({settings.policy_log})"])
    if history.gap is not None:
        raise typer.Exit(1)


def _peers(session: Session, found: SitePolicy) -> list[CheckResult]:
    """Whether enough of the policy's peers hold a seat, without which no round is begun."""
    from fedprotocol.program.doctor import CheckResult

    from fednode.policy.verdict import missing_peers

    allowance = found.allowance
    if allowance is None or not allowance.peers:
        return []
    missing = missing_peers(allowance, session.address, session.coordinator.clients())
    return [CheckResult("peers", not missing, missing or "enough of the peers that the policy names hold seats")]


def _trackers(session: Session, found: SitePolicy) -> list[CheckResult]:
    """Whether figures may go to the servers that the config names."""
    from fednode.policy.verdict import may_be_told

    servers = session.config.track.servers.values()
    return [may_be_told(found.policy, found.practice, server.server) for server in servers]


def _signed(session: Session, practice: Practice, policy: PolicyFile, federation: str, by: str) -> Approved:
    """Raises FedError if `by` cannot stand in a log, and the errors of the signer."""
    from fedprotocol.errors import FedError
    from pydantic import ValidationError

    from fednode.policy.entries import Approved

    try:
        unsigned = Approved(
            at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            chain_id=practice.chain_id,
            coordinator=practice.coordinator,
            account=practice.account,
            by=by,
            site=policy.policy.site,
            federation=federation,
            spec=practice.spec,
            policy=policy.digest,
            text=policy.text,
            signature="0x" + 130 * "0",
        )
    except ValidationError:
        raise FedError("--by must be a name of 1 to 500 visible characters in one line") from None
    signature = session.signer.sign_text(unsigned.statement())
    return unsigned.model_copy(update={"signature": "0x" + signature.hex()})


def _no_policy(spec: str) -> FedError:
    from fedprotocol.errors import FedError

    return FedError(
        "the config names no policy, so that nothing but the spec says what may leave this site. Write one as "
        f'docs/privacy.md shows, with spec = "{spec}", and name it at the top of the config: policy = "policy.toml"'
    )
