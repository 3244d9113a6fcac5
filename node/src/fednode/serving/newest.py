"""Each new final global goes into the model that is served, without a restart."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from fedprotocol.errors import FedError

from fednode.serving.served_model import Global, ServedModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger("fednode")


class Newest:
    """`find`: the latest final global on the chain; `fetch`: the values of a root, int32 [value_count]. While either
    fails, the model goes on with the global that it has, and `problem` says why."""

    def __init__(
        self, served: ServedModel, find: Callable[[], Global], fetch: Callable[[bytes], NDArray[np.int32]]
    ) -> None:
        self.problem: str | None = None
        self._served = served
        self._find = find
        self._fetch = fetch

    def look(self) -> None:
        """Take the latest global, if it is another one."""
        try:
            found = self._find()
            if found.root != self._served.now.root:
                self._served.replace(found, self._fetch(found.root))
                log.info("round %d is final: answers come from its global now", found.round)
        except FedError as error:
            if str(error) != self.problem:
                log.warning("%s. The answers come from the global of before", error)
            self.problem = str(error)
        else:
            self.problem = None

    def follow(self, every: float, stop: threading.Event) -> None:
        """Look every so many seconds until `stop` is set."""
        while not stop.wait(every):
            self.look()
