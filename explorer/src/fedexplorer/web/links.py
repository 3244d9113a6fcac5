"""Addresses of pages, always relative to the page that they stand on: so the same page works at the root of a server,
under a sub-path behind a proxy, and as a file that is opened from a disk."""

from __future__ import annotations

import posixpath
import string
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from fedexplorer.views.view import View


@dataclass(frozen=True)
class Links:
    """Links from the page at `here`, such as `/rounds/3`. `as_files`: the pages are files on a disk."""

    views: Mapping[str, View]
    here: str
    as_files: bool = False

    def to(self, name: str, /, **parameters: object) -> str:
        """The address of the page called `name`. Parameters that are not in its path go into the query; None is left
        out."""
        if name not in self.views:
            return "#"
        return self._address(self.views[name].path, ".html", parameters)

    def api(self, name: str, /, **parameters: object) -> str:
        """The address of a page's JSON."""
        path = self.views[name].path
        return self._address("/api" + (path if path != "/" else "/federation"), ".json", parameters)

    def csv(self, name: str, table: str = "", /, **parameters: object) -> str:
        """The address of a page's table as CSV."""
        return self._address(self.views[name].csv_path(table), "", parameters)

    def static(self, path: str) -> str:
        """The address of a file in `static/`."""
        return self._relative(f"/static/{path}")

    def plain(self, path: str) -> str:
        """The address of anything else on this server, such as `/live`."""
        return self._relative(path)

    def _address(self, template: str, suffix: str, parameters: Mapping[str, object]) -> str:
        path, rest = fill(template, parameters)
        if self.as_files:
            return self._relative(file_of(path, suffix))
        query = urlencode({key: str(value) for key, value in rest.items() if value is not None})
        return self._relative(path) + (f"?{query}" if query else "")

    def _relative(self, target: str) -> str:
        start = posixpath.dirname(file_of(self.here, ".html") if self.as_files else self.here)
        folder, name = posixpath.split(target)
        return f"{posixpath.relpath(folder, start)}/{name}"


def fill(template: str, parameters: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """`template` with its parameters, and those that do not stand in it."""
    names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
    path = template.format(**{name: quote(str(parameters[name]), safe="") for name in names})
    return path, {key: value for key, value in parameters.items() if key not in names}


def file_of(path: str, suffix: str) -> str:
    """The file in an export that has the page at `path`."""
    if path == "/":
        return "/index" + suffix
    return path + suffix
