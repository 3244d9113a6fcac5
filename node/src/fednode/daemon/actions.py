"""Everything that a node can do next, by kind of work. Each action is a class in `model/`, `data/` or `chain/`."""

from __future__ import annotations

from fednode.daemon.action import Action, ChainAction, Finish, Interrupt, Lane, Wait, Work
from fednode.daemon.chain.abandon import Abandon
from fednode.daemon.chain.announce import Announce
from fednode.daemon.chain.attest import Attest
from fednode.daemon.chain.challenge import Challenge
from fednode.daemon.chain.commit import Commit
from fednode.daemon.chain.drop import Drop
from fednode.daemon.chain.money import Claim, Settle
from fednode.daemon.chain.propose import Propose
from fednode.daemon.chain.reveal import Reveal
from fednode.daemon.chain.suspend import Suspend
from fednode.daemon.chain.top_up import TopUp
from fednode.daemon.data.build_case import BuildCase
from fednode.daemon.data.check_inputs import CheckInputs
from fednode.daemon.data.fetch_global import FetchGlobal
from fednode.daemon.data.judge_proposal import JudgeProposal
from fednode.daemon.data.recompute import Recompute
from fednode.daemon.data.release import Release
from fednode.daemon.model.evaluate import Evaluate
from fednode.daemon.model.model_work import ModelWork
from fednode.daemon.model.solo import EvaluateSolo, TrainSolo
from fednode.daemon.model.train import Train

MODEL: tuple[type[ModelWork], ...] = (Train, Evaluate, TrainSolo, EvaluateSolo)
"""Work that needs the model: one at a time, in the model's thread."""
DATA: tuple[type[Work], ...] = (CheckInputs, Recompute, FetchGlobal, JudgeProposal, BuildCase, Release)
"""Work that moves data: one at a time in each lane."""
CHAIN: tuple[type[ChainAction], ...] = (
    Commit,
    Reveal,
    Attest,
    Propose,
    Challenge,
    Abandon,
    TopUp,
    Drop,
    Suspend,
    Settle,
    Claim,
    Announce,
)
"""Actions that send transactions, in the loop itself."""
LOOP: tuple[type[Action], ...] = (Wait, Finish, Interrupt)
"""Actions that concern only the loop."""

__all__ = [
    "CHAIN",
    "DATA",
    "LOOP",
    "MODEL",
    "Abandon",
    "Action",
    "Announce",
    "Attest",
    "BuildCase",
    "ChainAction",
    "Challenge",
    "CheckInputs",
    "Claim",
    "Commit",
    "Drop",
    "Evaluate",
    "EvaluateSolo",
    "FetchGlobal",
    "Finish",
    "Interrupt",
    "JudgeProposal",
    "Lane",
    "ModelWork",
    "Propose",
    "Recompute",
    "Release",
    "Reveal",
    "Settle",
    "Suspend",
    "TopUp",
    "Train",
    "TrainSolo",
    "Wait",
    "Work",
]
