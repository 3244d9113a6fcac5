"""Everything that a node can do next, by kind of work. Each action is a class in `model/`, `content/` or `chain/`."""

from __future__ import annotations

from fednode.daemon.actions.action import Action, ChainAction, Finish, Interrupt, Lane, Wait, Work
from fednode.daemon.actions.chain.abandon import Abandon
from fednode.daemon.actions.chain.announce import Announce
from fednode.daemon.actions.chain.attest import Attest
from fednode.daemon.actions.chain.challenge import Challenge
from fednode.daemon.actions.chain.commit import Commit
from fednode.daemon.actions.chain.drop import Drop
from fednode.daemon.actions.chain.erase import Erase
from fednode.daemon.actions.chain.fix_members import FixMembers
from fednode.daemon.actions.chain.impeach import Impeach
from fednode.daemon.actions.chain.money import Claim, Settle
from fednode.daemon.actions.chain.propose import Propose
from fednode.daemon.actions.chain.publish import Publish
from fednode.daemon.actions.chain.reveal import Reveal
from fednode.daemon.actions.chain.suspend import Suspend
from fednode.daemon.actions.chain.top_up import TopUp
from fednode.daemon.actions.content.build_case import BuildCase
from fednode.daemon.actions.content.check_inputs import CheckInputs
from fednode.daemon.actions.content.fetch_global import FetchGlobal
from fednode.daemon.actions.content.judge_proposal import JudgeProposal
from fednode.daemon.actions.content.mask import Mask
from fednode.daemon.actions.content.recompute import Recompute
from fednode.daemon.actions.content.release_old_rounds import Release
from fednode.daemon.actions.model.evaluate import Evaluate
from fednode.daemon.actions.model.model_work import ModelWork
from fednode.daemon.actions.model.solo import EvaluateSolo, TrainSolo
from fednode.daemon.actions.model.train import Train

MODEL: tuple[type[ModelWork], ...] = (Train, Evaluate, TrainSolo, EvaluateSolo)
"""Work that needs the model: one at a time, in the model's thread."""
DATA: tuple[type[Work], ...] = (CheckInputs, Mask, Recompute, FetchGlobal, JudgeProposal, BuildCase, Release)
"""Work that moves data: one at a time in each lane."""
CHAIN: tuple[type[ChainAction], ...] = (
    Commit,
    FixMembers,
    Reveal,
    Publish,
    Attest,
    Propose,
    Challenge,
    Impeach,
    Abandon,
    TopUp,
    Drop,
    Suspend,
    Settle,
    Claim,
    Announce,
    Erase,
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
    "Erase",
    "Evaluate",
    "EvaluateSolo",
    "FetchGlobal",
    "Finish",
    "FixMembers",
    "Impeach",
    "Interrupt",
    "JudgeProposal",
    "Lane",
    "Mask",
    "ModelWork",
    "Propose",
    "Publish",
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
