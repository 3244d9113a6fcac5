"""The nodes of a tree, found by the leaves below them, for trees whose nodes do not all fit into memory."""

from collections.abc import Callable

from fedprotocol import tree
from fedprotocol.tree import PAGE_LEAVES


class SubtreeDigests:
    """Keeps the roots of all pages, and the nodes of the page that was requested last. So request them from left to
    right."""

    def __init__(self, digest: Callable[[int], bytes], leaf_count: int) -> None:
        """`digest` returns the digest of a leaf; it is called twice for each leaf."""
        self._digest = digest
        self._leaf_count = leaf_count
        starts = range(0, leaf_count, PAGE_LEAVES)
        self._pages = [(tree.page_root(self._page(i)), len(self._span(i))) for i in range(len(starts))]
        self._held = -1
        self._levels: list[list[bytes]] = []

    def of(self, first: int, count: int) -> bytes:
        """The digest of the node over `count` leaves from `first` on. There must be such a node."""
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
