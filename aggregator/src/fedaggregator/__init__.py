"""A permissionless aggregator: integer FedAvg over verified updates, proposed on-chain.

The names in `__all__` are what other programs may rely on; everything else may change from release to release. They are
loaded when they are first used, so that importing the package is quick.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fedaggregator.compute.inputs import recompute
    from fedaggregator.compute.merge import Contribution, merge
    from fedaggregator.rules import rule_named
    from fedaggregator.rules.base import Rule

__all__ = [
    "Contribution",
    "Rule",
    "__version__",
    "merge",
    "recompute",
    "rule_named",
]
__version__ = version("fedaggregator")

_MODULES = {
    "Contribution": "compute.merge",
    "Rule": "rules.base",
    "merge": "compute.merge",
    "recompute": "compute.inputs",
    "rule_named": "rules",
}
"""In which module of the package each name is."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
