"""Raw leaves for programs that check a round themselves, such as the check in the reader's browser. Whoever asks has to
believe nothing: leaves and paths lead to a root that the chain has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from fedprotocol.errors import FedError
from fedprotocol.tree import MAX_LEAVES
from pydantic import Field

from fedexplorer.content.told import told
from fedexplorer.views.named_tree import shown
from fedexplorer.views.site import Site

MOST_BYTES = 8 << 20  # of one answer
MOST_AT_ONCE = 4_096
PATIENCE = 1.0  # seconds that a request waits for a tree that is being fetched
SOON, LATER = 2, 60  # seconds after which to ask again

Count = Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]
First = Annotated[int, Field(ge=0, le=MAX_LEAVES)]


def add_leaves(app: FastAPI, site: Callable[[], Site]) -> None:
    """Add the address of raw leaves to the application."""

    @app.get(
        "/api/trees/{root}/leaves",
        name="leaves",
        response_class=Response,
        responses={
            200: {"content": {"application/octet-stream": {}}, "description": "The leaves, one behind the other."},
            503: {"description": "The tree is being fetched, or nobody serves it now; Retry-After says when to ask."},
        },
    )
    def leaves(root: str, first: First = 0, count: Count = 64) -> Response:
        """Bytes of a tree's leaves, one behind the other, from leaf `first` on. There may be fewer than `count`."""
        found = shown(site(), root, PATIENCE)
        content, opened = site().content, found.opened
        if content is None or opened is None or opened.leaves is None:
            return _not_now(found.work.error if found.work else "", found.work is not None and found.work.goes_on)
        most = max(1, MOST_BYTES // opened.shape.leaf_bytes)
        stop = min(first + min(count, most), len(opened))
        try:
            with content.reading(opened) as given:
                data = b"".join(given[index] for index in range(first, stop))
        except FedError as error:
            return _not_now(told(error), is_coming=True)
        return Response(data, media_type="application/octet-stream", headers={"Cache-Control": "public, max-age=86400"})


def _not_now(error: str, is_coming: bool) -> Response:
    """Its `coming` says whether it is worth asking again in a moment."""
    said = error or "the tree is being fetched"
    return JSONResponse(
        {"error": said, "coming": is_coming}, 503, headers={"Retry-After": str(SOON if is_coming else 60)}
    )
