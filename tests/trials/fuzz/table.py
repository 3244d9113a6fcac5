"""Campaigns as a table: on the terminal, and at the end of docs/fuzzing.md."""

from __future__ import annotations

from collections.abc import Sequence

from fuzz.campaign import Figures

HEADS = (
    "parser",
    "inputs",
    "accepted",
    "edges",
    "features",
    "by seeds",
    "corpus",
    "s",
    "peak MiB",
    "memory",
    "findings",
)
RECORDED = "## Recorded\n"


def cells(figures: Figures) -> tuple[str, ...]:
    """One parser's row. `memory` is the largest share of its bound that an input used."""
    return (
        figures.name,
        f"{figures.inputs:,}",
        f"{figures.counts.accepted:,}",
        f"{figures.edges:,}",
        f"{figures.features:,}",
        f"{figures.from_seeds:,}",
        f"{figures.corpus:,}",
        f"{figures.seconds:,.0f}",
        f"{figures.peak_mib:,}",
        f"{figures.counts.memory:.0%}",
        figures.finding or "none",
    )


def as_text(results: Sequence[Figures]) -> str:
    rows = [HEADS, *map(cells, results)]
    columns = []
    for column in zip(*rows, strict=True):
        width, words = max(map(len, column)), column[0] in ("parser", "findings")
        columns.append([cell.ljust(width) if words else cell.rjust(width) for cell in column])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def as_markdown(results: Sequence[Figures], when: str, commit: str, seed: int) -> str:
    """The text that belongs under the heading RECORDED."""
    lines = [
        "",
        f"Written by `make fuzz FUZZ=--write`; do not edit. {total(results)} of one process on {when} at commit "
        f"`{commit}`, seed {seed}.",
        "",
        "The columns: `accepted` counts the inputs that gave no error and a right result. `edges` and `features` are "
        "libFuzzer's measures of the code that was reached. `by seeds` is the number of features that the first inputs "
        "reached. `corpus` is the number of inputs that were kept. `memory` is how much of its bound the worst input "
        "used.",
        "",
        "| " + " | ".join(HEADS) + " |",
        "|---" + "|---:" * (len(HEADS) - 2) + "|---|",
        *("| " + " | ".join(cells(figures)) + " |" for figures in results),
    ]
    return "\n".join(lines) + "\n"


def total(results: Sequence[Figures]) -> str:
    bad = sum(figures.failed for figures in results)
    seconds = sum(figures.seconds for figures in results)
    inputs = sum(figures.inputs for figures in results)
    return f"{inputs:,} inputs to {len(results)} parsers, {bad} of them with a finding, in {seconds:,.0f} s"
