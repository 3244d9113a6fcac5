"""The nodes of a tree by the leaves they are over, for trees whose nodes do not all fit in memory."""

from collections.abc import Callable

from fedprotocol import tree
from fedprotocol.tree import PAGE_LEAVES


class SubtreeDigests:
    """Keeps the roots of pages, and the nodes of the page that was asked for last: ask from left to right."""

    def __init__(self, digest: Callable[[int], bytes], leaf_count: int) -> None:
        """`digest` gives that of a leaf; it is called twice for each."""
        self._digest = digest
        self._leaf_count = leaf_count
        starts = range(0, leaf_count, PAGE_LEAVES)
        self._pages = [(tree.page_root(self._page(i)), len(self._span(i))) for i in range(len(starts))]
        self._held = -1
        self._levels: list[list[bytes]] = []

    def of(self, first: int, count: int) -> bytes:
        """The digest of the node over `count` leaves from `first` on; there must be one."""
        page, start = divmod(first, PAGE_LEAVES)
        if count >= self._pages[page][1]:
            return tree.join(self._pages[page : -(-(first + count) // PAGE_LEAVES)])[0]
        if self._held != page:
            self._held, self._levels = page, tree.levels(self._page(page))
        level = (count - 1).bit_length()
        return self._levels[level][start >> level]

    def _page(self, page: int) -> list[bytes]:
        return [self._digest(index) for index in self._span(page)]

    def _span(self, page: int) -> range:
        return range(page * PAGE_LEAVES, min((page + 1) * PAGE_LEAVES, self._leaf_count))
