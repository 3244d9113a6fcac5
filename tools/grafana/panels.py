"""What the dashboards show: a panel is a question to Prometheus, and how its answer is drawn. `$node` stands for what
the reader of a dashboard has chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Look = Literal["stat", "timeseries", "table", "state-timeline"]


@dataclass(frozen=True)
class Query:
    """`legend`: a name for each series; labels in double braces."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """`unit`: one of Grafana's. `width` and `height` in Grafana's grid of 24 columns. `bad_from`: the value from which
    it is red; `bad_below`: likewise downwards."""

    title: str
    queries: tuple[Query, ...]
    look: Look = "timeseries"
    unit: str = "short"
    width: int = 12
    height: int = 8
    says: str = ""
    bad_from: float | None = None
    bad_below: float | None = None


@dataclass(frozen=True)
class Dashboard:
    """`chosen`: which programs a reader can choose from, by the label `program` of `fed_info`; empty: it shows all."""

    uid: str
    title: str
    says: str
    panels: tuple[Panel, ...]
    chosen: str = ""


def of(figure: str) -> str:
    """The figure of the chosen program."""
    return f'{figure}{{instance=~"$node"}}'


def stat(title: str, expression: str, unit: str = "short", legend: str = "", **more: float | str) -> Panel:
    return Panel(title, (Query(expression, legend),), "stat", unit, width=4, height=4, **more)  # type: ignore[arg-type]


PHASE = Panel(
    "Phase",
    (Query(f"{of('fed_phase')} == 1", "{{fed_phase}}"),),
    "state-timeline",
    width=24,
    height=5,
    says="The phase of the round that was opened last.",
)
AGE = "time() - fed_chain_read_timestamp_seconds"
COMMON_STATS = (
    stat("Round", of("fed_round")),
    stat("Final rounds", of("fed_final_rounds")),
    stat("In this phase for", of("fed_phase_seconds"), "s"),
    stat("Chain read", f"time() - {of('fed_chain_read_timestamp_seconds')}", "s", bad_from=60, says="How long ago."),
    stat("Problems", of("fed_problems"), bad_from=1, says="What is wrong now; `status` has the words."),
    stat("Peers", of("fed_peers"), bad_below=1, says="Others that the store can read from now."),
)
ETHER = Panel("Ether", (Query(of("fed_balance_ether"), "in hand"),), says="What transactions are paid with.")
GAS = Panel(
    "Gas",
    (
        Query(f"increase({of('fed_gas_total')}[1h])", "gas an hour"),
        Query(f"increase({of('fed_fees_ether_total')}[1d])", "ether a day"),
    ),
)
CONTENT = Panel(
    "Content",
    (
        Query(f"rate({of('fed_fetched_bytes_total')}[5m])", "fetched from others"),
        Query(f"rate({of('fed_published_bytes_total')}[5m])", "published for others"),
    ),
    unit="Bps",
)
FAILURES = Panel(
    "Errors and retries",
    (
        Query(f"sum by (kind) (increase({of('fed_errors_total')}[15m]))", "{{kind}}"),
        Query(f"sum by (work) (increase({of('fed_retries_total')}[15m]))", "again: {{work}}"),
    ),
)
CHECKS = Panel(
    "Globals that were checked",
    (
        Query(of("fed_recomputations_total"), "computed here"),
        Query(of("fed_mismatches_total"), "differ from what was proposed"),
    ),
    says="Each one that differs should raise an alarm.",
)
MEMORY = Panel("Memory", (Query(of("process_resident_memory_bytes"), "resident"),), unit="bytes")
PROCESSOR = Panel(
    "Processor and files",
    (
        Query(f"rate({of('process_cpu_seconds_total')}[5m])", "cores"),
        Query(of("process_open_fds"), "open files"),
    ),
)
WHO = Panel(
    "Which program",
    (Query(of("fed_info")),),
    "table",
    width=24,
    height=4,
    says="Program, version, account, coordinator and chain.",
)

NODE = Dashboard(
    "fed-node",
    "Federation: a node",
    "One site's node: rounds, training, money, and whether it is well.",
    (
        *COMMON_STATS,
        PHASE,
        Panel(
            "Loss",
            (Query(of("fed_training_loss"), "last training step"), Query(of("fed_global_loss"), "newest global")),
            says="In nats for each answer token; the global's on the site's own test data.",
        ),
        Panel(
            "Tokens",
            (
                Query(of("fed_stake_tokens"), "stake"),
                Query(of("fed_owed_tokens"), "owed"),
                Query(of("fed_balance_tokens"), "in hand"),
            ),
        ),
        Panel(
            "Penalties",
            (
                Query(of("fed_penalties"), "{{reason}}"),
                Query(of("fed_penalties_borne"), "that the stake still bears"),
                Query(f"sum({of('fed_penalty_tokens')})", "tokens that they cost"),
            ),
        ),
        ETHER,
        GAS,
        CHECKS,
        CONTENT,
        FAILURES,
        MEMORY,
        PROCESSOR,
        WHO,
    ),
    chosen="fednode",
)
AGGREGATOR = Dashboard(
    "fed-aggregator",
    "Federation: an aggregator",
    "An aggregator or a watchtower: what it computed, what it found wrong, and what it earns.",
    (
        *COMMON_STATS,
        PHASE,
        CHECKS,
        Panel("Tokens", (Query(of("fed_balance_tokens"), "in hand"), Query(of("fed_owed_tokens"), "owed"))),
        ETHER,
        GAS,
        CONTENT,
        FAILURES,
        MEMORY,
        PROCESSOR,
        WHO,
    ),
    chosen="fedaggregator",
)
JOINED = "* on (job, instance) group_left (program, account) fed_info"
FEDERATION = Dashboard(
    "fed-federation",
    "Federation: all programs",
    "Every program that this Prometheus asks, side by side: for whoever runs several sites of one federation.",
    (
        stat("Programs that answer", "count(fed_info)"),
        stat("Round", "max(fed_round)"),
        stat("Final rounds", "max(fed_final_rounds)"),
        stat("Chain read", f"max({AGE})", "s", bad_from=60, says="How long ago, by the slowest of them."),
        stat("Problems", "sum(fed_problems)", bad_from=1),
        stat("Wrong proposals seen", "max(fed_mismatches_total)", bad_from=1),
        Panel(
            "Phase, by program",
            (Query("fed_phase == 1", "{{instance}}: {{fed_phase}}"),),
            "state-timeline",
            width=24,
        ),
        Panel("Loss of the newest global, on each site's own data", (Query("fed_global_loss", "{{instance}}"),)),
        Panel("Loss of the last training step", (Query("fed_training_loss", "{{instance}}"),)),
        Panel("Round, by program", (Query("fed_round", "{{instance}}"),), says="A program that stays behind."),
        Panel("Since the chain was read", (Query(AGE, "{{instance}}"),), unit="s"),
        Panel("Stake", (Query("fed_stake_tokens", "{{instance}}"),)),
        Panel("Earned and not claimed", (Query("fed_owed_tokens", "{{instance}}"),)),
        Panel("Ether", (Query("fed_balance_ether", "{{instance}}"),)),
        Panel("Penalties", (Query("sum by (instance, reason) (fed_penalties)", "{{instance}}: {{reason}}"),)),
        Panel("Problems, by program", (Query("fed_problems", "{{instance}}"),)),
        Panel("Peers, by program", (Query("fed_peers", "{{instance}}"),)),
        Panel(
            "Who is who",
            (Query(f"fed_final_rounds {JOINED}"),),
            "table",
            width=24,
            says="The account of each program, and how many rounds are final for it.",
        ),
    ),
)
ALL = {"node": NODE, "aggregator": AGGREGATOR, "federation": FEDERATION}
