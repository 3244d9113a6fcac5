"""A site of a federation: QLoRA training, attestation, verification, payout.

The names in `__all__` are what other programs may rely on; everything else may change from release to release. They are
loaded when they are first used, so that importing the package is quick.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING

from fedprotocol.lazy_names import lazily

if TYPE_CHECKING:
    from fednode.data.read import read_rows
    from fednode.data.report import check_data
    from fednode.data.table import load_data
    from fednode.global_model.export import export_adapter
    from fednode.training.model import AdapterModel
    from fednode.training.update import make_update

__all__ = [
    "AdapterModel",
    "__version__",
    "check_data",
    "export_adapter",
    "load_data",
    "make_update",
    "read_rows",
]
__version__ = version("fednode")

__getattr__ = lazily(
    __name__,
    {
        "AdapterModel": "training.model",
        "check_data": "data.report",
        "export_adapter": "global_model.export",
        "load_data": "data.table",
        "make_update": "training.update",
        "read_rows": "data.read",
    },
)
