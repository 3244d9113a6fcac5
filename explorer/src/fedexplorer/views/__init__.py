"""The explorer's pages: one module each, with its model and how it is built. `ALL` has every page."""

from fedexplorer.views.address import ADDRESS
from fedexplorer.views.block import BLOCK
from fedexplorer.views.check import CHECK
from fedexplorer.views.dispute import DISPUTE
from fedexplorer.views.disputes import DISPUTES
from fedexplorer.views.events import EVENTS
from fedexplorer.views.federation import FEDERATION
from fedexplorer.views.impeachment import IMPEACHMENT
from fedexplorer.views.leaf import LEAF
from fedexplorer.views.money import MONEY
from fedexplorer.views.participant import PARTICIPANT
from fedexplorer.views.participants import PARTICIPANTS
from fedexplorer.views.recompute import RECOMPUTE
from fedexplorer.views.replay import REPLAY
from fedexplorer.views.round import ROUND
from fedexplorer.views.rounds import ROUNDS
from fedexplorer.views.search import SEARCH
from fedexplorer.views.spec import SPEC
from fedexplorer.views.transaction import TRANSACTION
from fedexplorer.views.tree import TREE

ALL = (
    FEDERATION,
    ROUNDS,
    ROUND,
    PARTICIPANTS,
    PARTICIPANT,
    MONEY,
    REPLAY,
    EVENTS,
    TRANSACTION,
    BLOCK,
    ADDRESS,
    SEARCH,
    TREE,
    LEAF,
    SPEC,
    DISPUTES,
    DISPUTE,
    IMPEACHMENT,
    RECOMPUTE,
    CHECK,
)
