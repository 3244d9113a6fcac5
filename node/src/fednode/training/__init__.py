"""Local training of one adapter on one site's data. Importing this loads no torch; using it does."""

from fednode.training.genesis import NewAdapter, new_adapter
from fednode.training.model import AdapterModel
from fednode.training.types import (
    LIKELIEST,
    Answer,
    Choice,
    Diverged,
    LayoutMismatch,
    NearlyNothing,
    NotFinite,
    PrivateSteps,
    StepRecord,
    TrainingError,
    TrainResult,
    ZeroDelta,
)

__all__ = [
    "LIKELIEST",
    "AdapterModel",
    "Answer",
    "Choice",
    "Diverged",
    "LayoutMismatch",
    "NearlyNothing",
    "NewAdapter",
    "NotFinite",
    "PrivateSteps",
    "StepRecord",
    "TrainResult",
    "TrainingError",
    "ZeroDelta",
    "new_adapter",
]
