"""The figures that a daemon offers to Prometheus.

Counters begin with the process; gauges show the last read of the chain, and are not a number (NaN) before the first.
Money is in whole ether and whole tokens, times in seconds. The process's own figures (`process_…`) come from
prometheus_client.
"""

from __future__ import annotations

import math

from prometheus_client import Counter, Enum, Gauge, Info, disable_created_metrics

from fedprotocol.types import Phase

disable_created_metrics()  # type: ignore[no-untyped-call]

PROGRAM = Info("fed", "Which program this is, and of which federation and account")

ROUND = Gauge("fed_round", "The round opened last; 0: none was")
PHASE = Enum("fed_phase", "The phase of that round", states=[phase.name.lower() for phase in Phase])
PHASE_SECONDS = Gauge("fed_phase_seconds", "How long that round has been in its phase, by the chain's time")
FINAL_ROUNDS = Gauge("fed_final_rounds", "Rounds that are final")
BLOCK = Gauge("fed_chain_block", "The newest block that was read")
CHAIN_TIME = Gauge("fed_chain_time_seconds", "Its time, in seconds since 1970")
LAST_READ = Gauge("fed_chain_read_timestamp_seconds", "When the chain was last read, in seconds since 1970 by the wall")
ETHER = Gauge("fed_balance_ether", "What the account can pay for transactions with")
TOKENS = Gauge("fed_balance_tokens", "Tokens that the account has in hand")
OWED = Gauge("fed_owed_tokens", "Tokens that the coordinator holds for the account")
STAKE = Gauge("fed_stake_tokens", "Tokens that stand behind the account's seat, penalties that are due taken off")
PENALTIES = Gauge("fed_penalties", "Penalties that rounds have cost the account, as far as is known here", ["reason"])
PENALTY_TOKENS = Gauge("fed_penalty_tokens", "Tokens that they cost", ["reason"])
PENALTIES_BORNE = Gauge("fed_penalties_borne", "How many more the stake can lose before the seat is suspended")

LOSS = Gauge("fed_training_loss", "Loss of the last training step, in nats per answer token")
GLOBAL_LOSS = Gauge("fed_global_loss", "Loss of the newest global on the site's test data")
PEERS = Gauge("fed_peers", "Others that the store can read from now")
PROBLEMS = Gauge("fed_problems", "What is wrong now and may need a person")

FETCHED = Counter("fed_fetched_bytes", "Verified content that came from others")
PUBLISHED = Counter("fed_published_bytes", "Content that was put into the own store for others")
GAS = Counter("fed_gas", "Gas that the account's transactions have used")
FEES = Counter("fed_fees_ether", "What was paid for that gas")
RECOMPUTATIONS = Counter("fed_recomputations", "Aggregates that were computed here from verified updates")
MISMATCHES = Counter("fed_mismatches", "Proposals and final globals that differ from what was computed here")
RETRIES = Counter("fed_retries", "Work that failed and is tried again, and transactions that were replaced", ["work"])
ERRORS = Counter("fed_errors", "Errors by the name of their kind", ["kind"])

_UNKNOWN_AT_FIRST = (
    *(ROUND, PHASE_SECONDS, FINAL_ROUNDS, BLOCK, CHAIN_TIME, LAST_READ, ETHER, TOKENS, OWED, STAKE, PENALTIES_BORNE),
    *(LOSS, GLOBAL_LOSS, PEERS),
)
for _gauge in _UNKNOWN_AT_FIRST:
    _gauge.set(math.nan)
