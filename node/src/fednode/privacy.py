"""What leaves a site, in words: said where a site decides to take part. The README's box and this say the same."""

from __future__ import annotations

PUBLIC = (
    "updates (what training changed in the adapter, as small integers)",
    "the number of examples",
    "the loss before and after training",
    "its account with stake, earnings, penalties and votes",
    "when it did what",
    "the address of its store",
)
NEVER = "rows, prompts, answers, files and keys"
DOCUMENT = "docs/threat-model.md"


def leaving() -> str:
    """All that leaves, in one sentence."""
    return f"a node publishes, for everybody to see: {', '.join(PUBLIC)}"


def notice() -> list[str]:
    """Lines for somebody who is about to take part."""
    return [
        f"What leaves this site: {leaving()}.",
        f"What never leaves it: {NEVER}.",
        "Updates can still tell something about the data that they were trained on. Before you train on anything "
        f"personal, read “What a federation is not safe from” in {DOCUMENT}.",
    ]
