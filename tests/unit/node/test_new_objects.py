"""What the garbage collector looks at during a training."""

from __future__ import annotations

import gc
import weakref

import pytest
from fednode.training.new_objects import only_new_objects_collected


class Knot:
    """Only the garbage collector frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_there_is_left_alone_until_the_end_and_what_was_made_is_freed() -> None:
    old = weakref.ref(Knot())
    with only_new_objects_collected():
        assert gc.get_freeze_count() > 10_000
        made = weakref.ref(Knot())
        gc.collect()
        assert made() is None, "what was made meanwhile is collected as ever"
        assert old() is not None
        last = weakref.ref(Knot())
    assert last() is None
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert old() is None


def test_after_an_error_everything_is_looked_at_again() -> None:
    with pytest.raises(ValueError, match="training"), only_new_objects_collected():
        raise ValueError("training")
    assert gc.get_freeze_count() == 0
