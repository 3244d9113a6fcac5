"""Addresses of pages, always relative to the page that they stand on: so the same page works at the root of a server,
under a sub-path behind a proxy, and as a file that is opened from a disk."""

from __future__ import annotations

import inspect
import posixpath
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from urllib.parse import quote, urlencode

from fedexplorer.views.view import View


def linked_nowhere(name: str, parameters: Mapping[str, object]) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Links:
    """Links from the page at `here`, such as `/rounds/3`. `as_files`: the pages are files on a disk. `linked` is told
    which page a link leads to, with those parameters that are not at their default."""

    views: Mapping[str, View]
    here: str
    as_files: bool = False
    linked: Callable[[str, Mapping[str, object]], None] = linked_nowhere

    def to(self, name: str, /, **parameters: object) -> str:
        """The address of the page called `name`. Parameters that are not in its path go into the query; None is left
        out."""
        return self._address(name, self.views[name].path, ".html", parameters)

    def api(self, name: str, /, **parameters: object) -> str:
        """The address of a page's JSON."""
        return self._address(name, self.views[name].api_path, ".json", parameters)

    def csv(self, name: str, table: str = "", /, **parameters: object) -> str:
        """The address of a page's table as CSV."""
        return self._address(name, self.views[name].csv_path(table), ".csv", parameters)

    def static(self, path: str) -> str:
        """The address of a file in `static/`."""
        return self._relative(f"/static/{path}")

    def plain(self, path: str) -> str:
        """The address of anything else on this server, such as `/live`."""
        return self._relative(path)

    def _address(self, name: str, template: str, suffix: str, parameters: Mapping[str, object]) -> str:
        chosen = chosen_in(self.views[name], parameters)
        self.linked(name, chosen)
        path, rest = fill(template, chosen)
        if self.as_files:
            return self._relative(file_of(path, suffix, rest))
        query = urlencode({key: str(value) for key, value in rest.items()})
        return self._relative(path) + (f"?{query}" if query else "")

    def _relative(self, target: str) -> str:
        start = posixpath.dirname(file_of(self.here, ".html") if self.as_files else self.here)
        folder, name = posixpath.split(target)
        return f"{_way(start, folder)}/{name}"


@lru_cache(maxsize=4096)
def _way(start: str, folder: str) -> str:
    """From one folder to another. A page may have thousands of links to a few folders."""
    return posixpath.relpath(folder, start)


def fill(template: str, parameters: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """`template` with its parameters, and those that do not stand in it."""
    names = _names(template)
    path = template.format(**{name: quote(str(parameters[name]), safe="") for name in names})
    return path, {key: value for key, value in parameters.items() if key not in names}


@cache
def _names(template: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name)


def chosen_in(view: View, parameters: Mapping[str, object]) -> dict[str, object]:
    """The parameters that say something: not None, and not what the page takes by itself."""
    known = _defaults(view.build)
    return {
        name: value
        for name, value in parameters.items()
        if value is not None and (name not in known or value != known[name])
    }


@cache
def _defaults(build: Callable[..., object]) -> dict[str, object]:
    return {name: parameter.default for name, parameter in inspect.signature(build).parameters.items()}


def file_of(path: str, suffix: str, rest: Mapping[str, object] | None = None) -> str:
    """The file in an export that has the page at `path`, whose address has the parameters `rest` in its query."""
    stem = ("/index" if path == "/" else path).removesuffix(suffix)
    chosen = "".join(f"~{name}-{quote(str(value), safe='')}" for name, value in sorted((rest or {}).items()))
    return stem + chosen + suffix
