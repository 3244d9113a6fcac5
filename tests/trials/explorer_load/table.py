"""What was measured, as people read it."""

from __future__ import annotations

from explorer_load.measure import Answered, Measured


def as_markdown(result: Measured) -> str:
    lines = [
        f"{result.rounds:,} rounds of {result.clients} clients: {result.events:,} events in {result.blocks:,} blocks",
        "",
        "| | |",
        "|---|---:|",
        f"| first sync, until the first page is there | {result.sync:.1f} s |",
        f"| the same with the events on disk | {result.again:.1f} s |",
        f"| most memory that was resident | {result.memory / 2**20:.0f} MiB |",
        f"| everything on disk | {result.index_bytes / 2**20:.0f} MiB |",
        *(f"| calls to the node a minute, {count} viewers | {calls:.0f} |" for count, calls in result.calls.items()),
        "",
        "| page | HTML median | 95 % | processor | most bytes | JSON median | 95 % | processor | most bytes |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, (html, api) in result.pages.items():
        lines.append(f"| {name} | {_cells(html)} | {_cells(api)} |")
    lines += ["", "calls with one viewer: " + ", ".join(f"{n} {name}" for name, n in result.methods.most_common())]
    return "\n".join(lines)


def _cells(answered: Answered) -> str:
    return f"{answered.median:.0f} ms | {answered.late:.0f} ms | {answered.computed:.0f} ms | {answered.size:,}"
