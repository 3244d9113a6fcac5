"""Rows of a split that the `datasets` library reads: saved by `save_to_disk`, or a folder of data files."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedprotocol.foreign_errors import told_as

from fednode.data.arrow_rows import BATCH_ROWS, message, rows_of
from fednode.data.class_names import with_class_names
from fednode.data.columns import Columns
from fednode.data.hf_folder import folder_of
from fednode.data.parquet_columns import named_places
from fednode.data.room import Room
from fednode.data.rows import DataError
from fednode.data_source import HfSplit

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

_SAVED = ("state.json", "dataset_dict.json")
"""What `save_to_disk` writes into the folder of a split, and into that of several."""


class HfSource:
    """`columns`, `remarks`: as in `Source`. Nothing is written here, so that no other program's cache holds the rows of
    a folder. Raises DataError."""

    def __init__(self, split: HfSplit, columns: Columns) -> None:
        self.split = split
        self.columns = columns
        self.remarks: list[str] = []
        self.folder = folder_of(split)
        if not split.is_pinned:
            self.remarks.append(f"its newest commit is {self.folder.name}; hf:…@{self.folder.name} names it")
        self._read, self._rows = 0, 0

    def position(self) -> tuple[int, int]:
        """Rows that were read, of how many; 0: it is not known of how many."""
        return self._read, self._rows

    def records(self) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
        """Row numbers, each with its record or with what is wrong with it."""
        data = self._chosen()
        self._rows = getattr(data, "num_rows", 0)
        features = data.features
        if features is not None:
            self._name_classes(features.to_dict())
        room = Room(str(self.split), sum(file.stat().st_size for file in files_in(self.folder)))
        schema, places, number = None, [], 0
        tables = data.with_format("arrow").iter(batch_size=BATCH_ROWS)
        while True:
            try:
                table = next(tables, None)
            except Exception as error:  # of any kind, by what the files are
                yield number + 1, f"cannot be read, nor can what comes after it: {message(error)}"
                return
            if table is None:
                return
            if schema is None or not table.schema.equals(schema):
                schema, places = table.schema, named_places(table.schema, self.split, self.columns)
            for found in rows_of(table, places, room):
                number += 1
                self._read = number
                yield number, found

    def _name_classes(self, features: Mapping[str, Any]) -> None:
        self.columns, said = with_class_names(self.columns, features)
        self.remarks += said

    def _chosen(self) -> Dataset | IterableDataset:
        """The split. Raises DataError, naming those that there are."""
        import datasets

        datasets.disable_progress_bars()
        datasets.logging.set_verbosity(logging.CRITICAL)  # its errors are told as ours
        with told_as(DataError, f"{self.split}: cannot be read by the `datasets` library"):
            if any((self.folder / name).is_file() for name in _SAVED):
                found = datasets.load_from_disk(str(self.folder))
            else:
                found = datasets.load_dataset(str(self.folder), self.split.config, streaming=True)
        splits = found if isinstance(found, dict) else {str(found.split or "train"): found}
        name = self.split.split
        if name is None and len(splits) == 1:
            return next(iter(splits.values()))
        if name not in splits:
            has = ", ".join(f":{split}" for split in splits)
            raise DataError(f"{self.split}: say which split is meant; there are {has}")
        return splits[name]


def files_in(folder: Path) -> list[Path]:
    """All files in a folder, in one order, but for hidden ones."""
    found = (file for file in folder.rglob("*") if file.is_file())
    return sorted(file for file in found if not any(part.startswith(".") for part in file.relative_to(folder).parts))
