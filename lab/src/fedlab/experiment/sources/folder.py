"""Your own data: train.* and test.* in a folder, and prompt.txt if the template is not the plain one."""

from __future__ import annotations

from pathlib import Path

from fednode.data import DataError, Row, check_data, read_rows

from fedlab.experiment.sources.pool import NoData, Pool, shuffled

TEMPLATE = "{prompt}\nAnswer:"
MOST_CLASSES = 64  # most different answers that are treated as classes


def load(folder: Path) -> Pool:
    """Raises NoData if one of the two files is missing, DataError if a row cannot be used."""
    train, test = (_rows(folder, name) for name in ("train", "test"))
    answers = tuple(sorted({row.completion for row in (*train, *test)}))
    template = folder / "prompt.txt"
    return Pool(
        shuffled(train),
        shuffled(test),
        answers if 2 <= len(answers) <= MOST_CLASSES else None,
        template.read_text(encoding="utf-8").rstrip("\n") if template.is_file() else TEMPLATE,
    )


def _rows(folder: Path, name: str) -> tuple[Row, ...]:
    found = sorted(folder.glob(f"{name}.*"))
    if len(found) != 1:
        raise NoData(
            f"{folder} must hold one {name} file, in a form that `fednode data check` knows; it has {len(found)}"
        )
    report = check_data(found[0])
    if not report.ok:
        raise DataError("\n".join(report.lines()))
    return read_rows(found[0]).rows
