"""What all parts of a private federation agree on: the transcript, and the range of sums."""

import numpy as np
import pytest
from fedprotocol.masks.limits import MasksError, check_scale, check_weight, max_weight, out_of_range
from fedprotocol.masks.transcript import transcript

KEYS = {"0x" + f"{i:02x}" * 20: bytes([i]) * 32 for i in (0xA1, 0xA2, 0xA3)}
HERE = (1, "0x" + "cc" * 20, 1, bytes(32))


def test_the_order_of_members_plays_no_part_and_their_set_does() -> None:
    fourth = KEYS | {"0x" + "dd" * 20: bytes(32)}
    assert transcript(*HERE, KEYS) == transcript(*HERE, dict(reversed(KEYS.items()))) != transcript(*HERE, fourth)


def test_wrong_members_keys_and_roots_are_refused() -> None:
    with pytest.raises(MasksError, match="3 to 64 members, not 2"):
        transcript(*HERE, dict(list(KEYS.items())[:2]))
    with pytest.raises(MasksError, match="more than once"):
        transcript(*HERE, KEYS | {"0x" + "A1" * 20: bytes(32)})
    with pytest.raises(MasksError, match="31 bytes, not 32"):
        transcript(*HERE, KEYS | {"0x" + "a1" * 20: bytes(31)})
    with pytest.raises(MasksError, match="a root has 32 bytes, not 5"):
        transcript(1, HERE[1], 1, bytes(5), KEYS)


def test_a_sum_is_out_of_range_beyond_the_bound_on_both_sides() -> None:
    sums = np.array([6, -6, 7, -7, -(2**31)], np.int32).view(np.uint32)
    assert out_of_range(sums, 2, 3).tolist() == [False, False, True, True, True]
    with pytest.raises(MasksError, match="uint32"):
        out_of_range(sums.view(np.int32), 2, 3)


def test_limits() -> None:
    assert max_weight(64) == 512
    for call in (lambda: max_weight(0), lambda: check_weight(0), lambda: check_scale(16, 1), lambda: check_scale(0, 0)):
        with pytest.raises(MasksError):
            call()
