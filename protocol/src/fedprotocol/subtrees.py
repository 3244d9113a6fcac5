"""The nodes of a tree, found by the leaves below them, for trees whose nodes do not all fit into memory."""

from collections.abc import Callable

from fedprotocol import levels, tree
from fedprotocol.tree import DIGEST_BYTES, PAGE_LEAVES


class SubtreeDigests:
    """Keeps the roots of all pages, and the nodes of the page that was requested last. So request them from left to
    right."""

    def __init__(self, digests: Callable[[int, int], bytes], leaf_count: int) -> None:
        """`digests` returns the digests of leaves, from one to before another; it is called twice for each leaf."""
        self._digests = digests
        self._leaf_count = leaf_count
        starts = range(0, leaf_count, PAGE_LEAVES)
        self._pages = [(levels.levels(self._page(i))[-1], len(self._span(i))) for i in range(len(starts))]
        self._held = -1
        self._levels: list[bytes] = []

    def of(self, first: int, count: int) -> bytes:
        """The digest of the node over `count` leaves from `first` on. There must be such a node."""
        page, start = divmod(first, PAGE_LEAVES)
        if count >= self._pages[page][1]:
            return tree.join(self._pages[page : -(-(first + count) // PAGE_LEAVES)])[0]
        if self._held != page:
            self._held, self._levels = page, levels.levels(self._page(page))
        level = (count - 1).bit_length()
        at = (start >> level) * DIGEST_BYTES
        return self._levels[level][at : at + DIGEST_BYTES]

    def _page(self, page: int) -> bytes:
        span = self._span(page)
        return self._digests(span.start, span.stop)

    def _span(self, page: int) -> range:
        return range(page * PAGE_LEAVES, min((page + 1) * PAGE_LEAVES, self._leaf_count))
