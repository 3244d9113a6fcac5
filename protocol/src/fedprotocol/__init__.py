"""What every part of a federation agrees on: numbers, tree, CAR, spec, stores, chain, journal.

The names in `__all__` are what other programs may rely on; everything else may change from release to release. They are
loaded when they are first used, so that importing the package is quick.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING

from fedprotocol.lazy_names import lazily

if TYPE_CHECKING:
    from fedprotocol.car import CarFile, read_car, write_car
    from fedprotocol.chain.read.coordinator import Coordinator
    from fedprotocol.chain.read.event_index import EventIndex
    from fedprotocol.errors import FedError
    from fedprotocol.leaves import MemoryLeaves
    from fedprotocol.numbers import decode_delta, encode_delta
    from fedprotocol.spec import Spec, load_spec, spec_digest
    from fedprotocol.store.base import Store
    from fedprotocol.store.open import open_store
    from fedprotocol.tree import cid

__all__ = [
    "CarFile",
    "Coordinator",
    "EventIndex",
    "FedError",
    "MemoryLeaves",
    "Spec",
    "Store",
    "__version__",
    "cid",
    "decode_delta",
    "encode_delta",
    "load_spec",
    "open_store",
    "read_car",
    "spec_digest",
    "write_car",
]
__version__ = version("fedprotocol")

__getattr__ = lazily(
    __name__,
    {
        "CarFile": "car",
        "Coordinator": "chain.read.coordinator",
        "EventIndex": "chain.read.event_index",
        "FedError": "errors",
        "MemoryLeaves": "leaves",
        "Spec": "spec",
        "Store": "store.base",
        "cid": "tree",
        "decode_delta": "numbers",
        "encode_delta": "numbers",
        "load_spec": "spec",
        "open_store": "store.open",
        "read_car": "car",
        "spec_digest": "spec",
        "write_car": "car",
    },
)
