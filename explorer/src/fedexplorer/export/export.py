"""Writes all pages of a site into a folder, as HTML, JSON and CSV, with the leaves that the check needs."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedprotocol.errors import FedError
from fedprotocol.files.whole import folder_made_whole

from fedexplorer.export.dangling import without_dangling
from fedexplorer.export.leaves import ExportedLeaves
from fedexplorer.export.settled import settled
from fedexplorer.views.site import Site
from fedexplorer.views.view import View
from fedexplorer.web.app import STATIC, csv_lines
from fedexplorer.web.links import chosen_in, file_of, fill
from fedexplorer.web.pages import Pages

PATIENCE = 60.0  # seconds that a page waits for what is being fetched
FOR_SERVERS = ("htmx*", "idiomorph*")  # scripts of which pages in files have no use


class ExportError(FedError):
    """The folder cannot be used. The message says why."""


@dataclass(frozen=True)
class Limits:
    """The most pages, and the most bytes of leaves, that an export may have."""

    pages: int
    leaves: int


@dataclass(frozen=True)
class Exported:
    """What was written.

    Args:
        pages: how many.
        left_out: pages for which there was no room.
        failed: addresses of pages that could not be made, and why.
        unchecked: rounds whose leaves are not there, and why.
    """

    pages: int
    left_out: int
    failed: Mapping[str, str]
    unchecked: Mapping[int, str]


@dataclass(frozen=True)
class _Page:
    view: View
    parameters: Mapping[str, Any]

    @property
    def here(self) -> str:
        """Its address, without a query."""
        return fill(self.view.path, self.parameters)[0]

    def file(self, template: str, suffix: str) -> str:
        """The file, below the export's folder, of one of its faces."""
        path, rest = fill(template, self.parameters)
        return file_of(path, suffix, rest).lstrip("/")

    @property
    def html(self) -> str:
        return self.file(self.view.path, ".html")


def export(
    site: Site,
    views: Sequence[View],
    folder: Path,
    limits: Limits,
    told: Callable[[int, int], None] = lambda _, __: None,
) -> Exported:
    """Write the pages. `told` hears how many are done, and of how many.

    Raises ExportError if `folder` exists and is not an empty folder; OSError.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(f"{folder} exists and is not an empty folder: name a new one")
    with folder_made_whole(folder) as draft:
        shutil.copytree(STATIC, draft / "static", ignore=shutil.ignore_patterns(*FOR_SERVERS))
        writer = _Writer(site, views, draft, limits)
        return writer.write(told)


class _Writer:
    def __init__(self, site: Site, views: Sequence[View], folder: Path, limits: Limits) -> None:
        self._site, self._folder, self._limits = site, folder, limits
        self._leaves = ExportedLeaves(site, folder, limits.leaves)
        self._pages = Pages(views, self)
        self._queue: deque[_Page] = deque()
        self._known: set[str] = set()  # the files of all pages, whether written or still to come
        self._left_out = 0

    # ---------------------------------------------------------------- for the pages

    def linked(self, name: str, parameters: Mapping[str, object]) -> None:
        """A link to another selection of a page that is exported, such as its next rows, is followed."""
        page = _Page(self._pages.views[name], parameters)
        if fill(page.view.path, parameters)[1] and file_of(page.here, ".html").lstrip("/") in self._known:
            self._add(page)

    def missing(self, number: int) -> str:
        """See `Files.missing`."""
        return self._leaves.missing.get(number, "")

    # ---------------------------------------------------------------- writing

    def write(self, told: Callable[[int, int], None]) -> Exported:
        opened = self._site.state.snapshot.last_opened
        self._leaves.write(range(opened, 0, -1))
        kinds = [
            [_Page(view, chosen_in(view, one)) for one in view.pages(self._site)] for view in self._pages.views.values()
        ]
        for pages in sorted(kinds, key=len):  # where there is no room, the most numerous kind loses some
            for page in pages:
                self._add(page)
        done, failed, files = 0, {}, self._static()
        while self._queue:
            page = self._queue.popleft()
            try:
                files |= self._write(page)
                done += 1
            except FedError as error:
                failed[page.html] = str(error)
            told(done, done + len(self._queue))
        for name in files:
            if name.endswith(".html"):
                path = self._folder / name
                path.write_bytes(without_dangling(path.read_bytes().decode(), name, files).encode())
        unchecked = {number: why for number, why in self._leaves.missing.items() if why}
        return Exported(done, self._left_out, failed, unchecked)

    def _add(self, page: _Page) -> None:
        if page.html in self._known:
            return
        if len(self._known) >= self._limits.pages:
            self._left_out += 1
            return
        self._known.add(page.html)
        self._queue.append(page)

    def _write(self, page: _Page) -> set[str]:
        """The files of one page."""
        view, site = page.view, self._site
        model = settled(lambda: view.build(site, **page.parameters), PATIENCE)
        faces = {
            page.html: self._pages.page(view, model, site, page.here, page.parameters),
            page.file(view.api_path, ".json"): model.model_dump_json(),
        }
        faces |= {
            page.file(view.csv_path(name), ".csv"): "".join(csv_lines(table(model)))
            for name, table in view.tables.items()
        }
        for name, text in faces.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return set(faces)

    def _static(self) -> set[str]:
        return {path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file()}
