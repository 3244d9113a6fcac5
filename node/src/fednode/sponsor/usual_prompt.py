"""What stands around a prompt where a sponsor names a template and nothing else."""

from __future__ import annotations

from fedprotocol.spec import CHAT


def usual_prompt(template: str) -> dict[str, str]:
    """The fields of a spec's prompt beside its template: an answer behind a space; in conversations the last answer is
    learned."""
    return {"turns": "last"} if template == CHAT else {"join": " "}
