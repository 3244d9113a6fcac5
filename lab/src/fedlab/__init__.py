"""What shows and measures a federation: the demo, the experiments, their results. No operator installs it.

The names in `__all__` are what other programs may rely on; everything else may change from release to release. They are
loaded when they are first used, so that importing the package is quick.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

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

_MODULES = {
    "Experiment": "experiment.definition",
    "ResultsFolder": "results.folder",
    "load_experiment": "experiment.definition",
}
"""In which module of the package each name is."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
