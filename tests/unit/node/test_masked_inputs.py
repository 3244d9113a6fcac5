"""What an attester checks of masked updates: whoever copies a root out of the mempool must not make its owner pay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fednode.daemon.actions.content.check_inputs import Finding, check_inputs
from fednode.daemon.facts import UpdateVerdict
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.spec import Spec
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.peered import PeeredStore
from fedprotocol.types import Phase, Update
from support.snapshots import ME, OTHER, root, state
from support.specs import MASKED, small_spec

SPEC = Spec.model_validate_json(small_spec(**MASKED))
SHAPE = SPEC.layout.delta_shape


def test_a_copied_root_is_held_against_nobody_and_one_of_an_earlier_round_is(tmp_path: Path) -> None:
    """The copy may have been mined first. An old root is nobody's update of this round."""
    store, rng = PeeredStore(DirectoryStore(tmp_path), []), np.random.default_rng(1)
    copied, old = (
        store.put(MemoryLeaves([rng.bytes(SHAPE.leaf_bytes) for _ in range(SHAPE.leaf_count)])) for _ in range(2)
    )
    clients = [(OTHER, copied), (ME, copied), (root("third")[:20].hex(), old)]
    updates = tuple(Update(client, named, 1, 0, attested=False, yes=0) for client, named in clients)
    found = dict[int, Finding]()
    inputs = state(1, Phase.ATTEST, updates=updates)
    check_inputs(store, SPEC, inputs, range(3), lambda f: found.__setitem__(f.index, f), Deadline(60), lambda: {old: 3})
    assert [found[index].verdict for index in range(3)] == [UpdateVerdict.GOOD, UpdateVerdict.GOOD, UpdateVerdict.BAD]
    assert found[2].why == "its root was revealed in round 3 already"
