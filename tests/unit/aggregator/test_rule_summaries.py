"""What every rule says of itself to people."""

from __future__ import annotations

import pytest
from fedaggregator.rules import RULES


@pytest.mark.parametrize("name", RULES)
def test_it_is_one_sentence(name: str) -> None:
    said = RULES[name].summary
    assert said[0].isupper() and said.endswith(".")
    assert said.count(".") == 1 and len(said) <= 160
