"""Shows and measures federations: the demo, the experiments, and their results. No operator installs it.

The names in `__all__` are what other programs may rely on; everything else may change from release to release. They are
loaded when they are first used, so that importing the package is quick.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING

from fedprotocol.lazy_names import lazily

if TYPE_CHECKING:
    from fedlab.experiment.definition import Experiment, load_experiment
    from fedlab.results.folder import ResultsFolder

__all__ = [
    "Experiment",
    "ResultsFolder",
    "__version__",
    "load_experiment",
]
__version__ = version("fedlab")

__getattr__ = lazily(
    __name__,
    {
        "Experiment": "experiment.definition",
        "ResultsFolder": "results.folder",
        "load_experiment": "experiment.definition",
    },
)
