"""Links to pages that an export does not have."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from urllib.parse import unquote

_LINK = re.compile(r'(<a\b[^>]*?)\shref="([^"]*)"')
_SAID = ' class="left-out" title="This page is not in this copy."'


def without_dangling(html: str, here: str, files: Collection[str]) -> str:
    """`html`, the page in the file `here`, with plain texts in place of links to what is not in `files`. Both are paths
    below the folder of the export. It is our own HTML, in which an attribute never holds a `>`."""

    def kept(match: re.Match[str]) -> str:
        opened, target = match.groups()
        path = unquote(target.partition("#")[0])
        if not path or ":" in path:  # in this page, or on another site
            return match[0]
        leads_to = posixpath.normpath(posixpath.join(posixpath.dirname(here), path))
        if leads_to in files:
            return match[0]
        return re.sub(r'\sclass="[^"]*"', "", opened) + _SAID

    return _LINK.sub(kept, html)
