"""Which rows of each batch one of several processes trains on."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import BatchSampler, Sampler

from fednode.training.row_order import RowOrder


class RowShares(Sampler[list[int]]):
    """Every `size`-th row, from number `rank` on, of each batch that one process alone would draw in the same order:
    the shares of all `size` processes make up the batch. A share is empty where a batch has fewer rows than
    processes."""

    def __init__(self, order: RowOrder, batch_size: int, rank: int, size: int) -> None:
        self._order = order
        self._batches = BatchSampler(order, batch_size, drop_last=False)
        self._rank, self._size = rank, size

    def set_epoch(self, epoch: int) -> None:
        """Which time it is that the rows are drawn, from 0."""
        self._order.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self._batches:
            yield batch[self._rank :: self._size]
