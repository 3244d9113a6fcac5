"""The HTML of a page, from its view, its model and the site."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from fedprotocol.chain.amounts import UNITS, Amounts
from fedprotocol.printable import printable
from fedprotocol.types import Phase
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel

from fedexplorer import __version__
from fedexplorer.views.site import Site
from fedexplorer.views.view import View
from fedexplorer.web.formats import filters, short
from fedexplorer.web.links import Links, linked_nowhere

LONGEST_TITLE = 60  # characters
TEMPLATES = Path(__file__).parent.parent / "templates"
SECTIONS = (
    ("federation", "Federation"),
    ("rounds", "Rounds"),
    ("participants", "Participants"),
    ("money", "Money"),
    ("disputes", "Disputes"),
    ("events", "Events"),
    ("replay", "Replay"),
    ("spec", "Model"),
)
"""The pages that every page links to, by name."""


class Pages:
    """Renders pages. `files`: for an export, which has no server behind it."""

    def __init__(self, views: Sequence[View], files: Files | None = None) -> None:
        self.views = {view.name: view for view in views}
        self.files = files

    def page(self, view: View, model: BaseModel, site: Site, here: str, parameters: Mapping[str, Any]) -> str:
        """The page at `here` (its path, without a sub-path of a proxy)."""
        return self._render(view.template, site, here, page=model, view=view, parameters=parameters)

    def error(self, status: int, message: str, site: Site | None, here: str) -> str:
        """A page that says what is wrong."""
        return self._render("error.html", site, here, status=status, message=message, view=None, parameters={})

    def refused(self, message: str) -> str:
        """What a visitor sees who is to learn nothing here: no style, no link, nothing of the federation."""
        return environment(UNITS).get_template("refused.html").render(message=message)

    def _render(self, template: str, site: Site | None, here: str, **values: Any) -> str:
        amounts = UNITS if site is None else site.state.federation.amounts
        return (
            environment(amounts)
            .get_template(template)
            .render(
                site=site,
                state=None if site is None else site.state,
                names={} if site is None else site.names,
                brand=_brand(site),
                sections=SECTIONS,
                links=Links(
                    self.views, here, self.files is not None, self.files.linked if self.files else linked_nowhere
                ),
                as_files=self.files is not None,
                files=self.files,
                wall=time.time(),
                version=__version__,
                Phase=Phase,
                **values,
            )
        )


class Files(Protocol):
    """What pages need to know of the export that they become part of."""

    def linked(self, name: str, parameters: Mapping[str, object]) -> None:
        """A page links to another one; see `Links`."""

    def missing(self, number: int) -> str:
        """Why the leaves of a round are not in the export; empty if they are."""


@cache
def environment(amounts: Amounts) -> Environment:
    """The templates, with the filters that write amounts of this token."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(filters(amounts))
    return made


def _brand(site: Site | None) -> str:
    if site is None:
        return "Federation"
    return printable(site.title, LONGEST_TITLE) or f"Federation {short(site.state.federation.coordinator)}"
