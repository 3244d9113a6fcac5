"""What actions work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.send.sender import Sender
from fedprotocol.journal import Journal
from fedprotocol.spec import Spec
from fedprotocol.store.base import Store

from fednode.config import NodeConfig
from fednode.daemon.actions.action import ChainAction, Work
from fednode.daemon.actions.content.earlier_roots import EarlierRoots
from fednode.daemon.actions.model.node_model import NodeModel
from fednode.daemon.journal_facts import Memory


@dataclass(frozen=True)
class Tools:
    """Threads of the background use neither `sender`, `journal`, `memory` nor `report`: these are the loop's.

    `tell(work, part)` hands a part of a result to the loop's thread, which calls `work.heard` with it; `report(text,
    action, round)` says what a person should look at as long as the round is open.
    """

    config: NodeConfig
    spec: Spec
    coordinator: Coordinator
    events: EventIndex
    sender: Sender
    journal: Journal
    store: Store
    memory: Memory
    earlier_roots: EarlierRoots
    model: NodeModel
    tell: Callable[[Work, Any], None]
    report: Callable[[str, Work | ChainAction, int], None]
