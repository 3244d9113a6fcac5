"""Results of experiments stay valid from one version to the next."""

from __future__ import annotations

from fednode.data import Row


def test_a_row_goes_into_a_key_as_ever() -> None:
    """A cell's key is made of how its rows are written; with another way, every committed cell would be run again."""
    assert repr((Row("a", "b", None), Row("a", "b", "c", "a whole conversation"))) == (
        "(Row(prompt='a', completion='b', domain=None), Row(prompt='a', completion='b', domain='c'))"
    )
