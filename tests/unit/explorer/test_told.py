"""What visitors are told when something fails: nothing about the machine, whatever the error itself says."""

from __future__ import annotations

import logging

import pytest
from fedaggregator.disputes.judge import DisputeError
from fedaggregator.disputes.proposed_leaves import ProposalUnreadable
from fedaggregator.rules import RuleError
from fedexplorer.content.jobs import Busy, Jobs, Report
from fedexplorer.content.told import Told, told
from fedexplorer.views.work import refused, work
from fedprotocol.car import WrongBlock
from fedprotocol.chain.errors import ChainError, ChainUnreachable, ContractReverted, RpcRefused
from fedprotocol.chain.read.event_table import EventIndexError
from fedprotocol.errors import FedError, SystemRefusal
from fedprotocol.spec import SpecError, SpecMismatch
from fedprotocol.store.base import Malformed, NotFound, Stopped, StoreError, Unavailable

SECRET = "/home/me/.cache http://user:key@10.0.0.7:8545 kubo"
KINDS = (NotFound, Malformed, Unavailable, Stopped, StoreError, ProposalUnreadable, EventIndexError, WrongBlock)
MORE = (SystemRefusal, FedError, ChainError, ChainUnreachable, RpcRefused)


@pytest.mark.parametrize("kind", [*KINDS, *MORE], ids=lambda kind: kind.__name__)
def test_no_name_of_a_place_is_told(kind: type[FedError], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        said = told(kind(SECRET))
    assert not [word for word in ("/home", "key", "10.0.0.7", "kubo") if word in said]
    assert SECRET in caplog.text, "whoever runs the explorer can read it"
    assert refused(kind(SECRET)).error == said


def test_a_revert_is_told_without_its_words() -> None:
    assert SECRET not in told(ContractReverted("Error", {"message": SECRET}))


@pytest.mark.parametrize("kind", [Told, Busy, SpecError, SpecMismatch, RuleError, DisputeError])
def test_what_everybody_may_read_is_told_in_one_line(kind: type[FedError]) -> None:
    assert told(kind("a field:\n  is wrong")) == "a field: is wrong"


def test_a_failed_job_is_told_in_the_same_way() -> None:
    def fails(_: int, report: Report) -> None:
        report("looking")
        raise NotFound(SECRET)

    shown = work(Jobs("test", fails).ask(1, patience=5))
    assert (shown.standing, shown.goes_on, "/home" in shown.error) == ("failed", False, False)
    assert refused(Busy("later")).goes_on
