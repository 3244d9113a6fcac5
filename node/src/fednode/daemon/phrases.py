"""Actions in words, so that "The node is …" can be put before them."""

from __future__ import annotations

from typing import assert_never

from fednode.daemon import actions as do
from fednode.daemon.cause import Cause


def describe(work: do.Action) -> str:
    match work:
        case do.Train():
            return f"training for round {work.round}"
        case do.Evaluate():
            return f"evaluating the global of round {work.round}"
        case do.TrainSolo():
            return f"training the site's own model, round {work.round}"
        case do.EvaluateSolo():
            return "evaluating the site's own model"
        case do.CheckInputs():
            return f"fetching and checking the updates of round {work.round}"
        case do.Recompute():
            return f"recomputing the aggregate of round {work.round}"
        case do.FetchGlobal():
            return f"fetching the global of round {work.round}"
        case do.JudgeProposal():
            return f"checking a proposal of round {work.round}"
        case do.BuildCase():
            return f"building the proof against a wrong proposal of round {work.round}"
        case do.Challenge():
            return f"challenging a wrong proposal of round {work.round}"
        case do.Release():
            return f"letting go of the updates of round {work.round}"
        case do.Commit():
            return f"sending its commit of round {work.round}"
        case do.Reveal():
            return f"sending its reveal of round {work.round}"
        case do.Attest():
            return f"sending its attestation of round {work.round}"
        case do.Propose():
            return f"proposing the aggregate of round {work.round}"
        case do.Abandon():
            return f"abandoning round {work.round}"
        case do.Settle():
            return "settling its account"
        case do.Claim():
            return "claiming what it is owed"
        case do.Interrupt():
            return f"stopping: {describe(work.work)}"
        case do.Wait():
            return work.what if work.cause is Cause.WORK else f"waiting for {work.what}"
        case do.Finish():
            return work.reason
        case _:
            assert_never(work)
