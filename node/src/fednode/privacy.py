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
MASKED = (
    "updates under masks (random to everybody, and only all of them together show their weighted sum)",
    "the number of examples, up to what the federation counts",
    *PUBLIC[3:],
)
"""In a federation that masks updates, which knows no losses."""
NEVER = "rows, prompts, answers, files and keys"
DOCUMENT = "docs/threat-model.md"


def leaving(is_masked: bool = False) -> str:
    """All that leaves, in one sentence."""
    return f"a node publishes, for everybody to see: {', '.join(MASKED if is_masked else PUBLIC)}"


def notice(is_masked: bool = False) -> list[str]:
    """Lines for somebody who is about to take part; `is_masked`: in a federation that masks updates."""
    return [
        f"What leaves this site: {leaving(is_masked)}.",
        f"What never leaves it: {NEVER}.",
        f"{'Their sum' if is_masked else 'Updates'} can still tell something about the data that "
        f"{'the sites trained' if is_masked else 'they were trained'} on. Before you train on anything "
        f"personal, read “What a federation is not safe from” in {DOCUMENT}.",
    ]
