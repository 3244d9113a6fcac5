"""A permissionless aggregator: integer FedAvg over verified updates, proposed on-chain.

The names in `__all__` are what other programs may rely on; everything else may change from release to release. They are
loaded when they are first used, so that importing the package is quick.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING

from fedprotocol.lazy_names import lazily

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

__getattr__ = lazily(
    __name__,
    {
        "Contribution": "compute.merge",
        "Rule": "rules.base",
        "merge": "compute.merge",
        "recompute": "compute.inputs",
        "rule_named": "rules",
    },
)
