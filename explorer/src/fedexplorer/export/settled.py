"""Waiting for what a page says is still being fetched: a file cannot be looked at again later."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from fedexplorer.views.block import BlockPage
from fedexplorer.views.round_gas import RoundGas
from fedexplorer.views.transaction import TransactionPage
from fedexplorer.views.view import Model
from fedexplorer.views.work import Work

PAUSE = 0.1  # seconds


def settled(build: Callable[[], Model], seconds: float) -> Model:
    """What `build` makes once nothing of it is still to come, or after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        model = build()
        if not is_coming(model) or time.monotonic() > end:
            return model
        time.sleep(PAUSE)


def is_coming(value: Any) -> bool:
    """Whether something in a model is still being fetched."""
    match value:
        case Work():
            return value.goes_on
        case TransactionPage() | BlockPage() if not value.is_read:
            return not value.trouble
        case RoundGas():
            return value.read < value.count and not value.trouble
        case BaseModel():
            return any(is_coming(getattr(value, name)) for name in type(value).model_fields)
        case tuple():
            return any(map(is_coming, value))
        case _:
            return False
