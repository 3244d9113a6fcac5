"""The leaves of a round, for the check in the reader's browser. A page that was opened from a disk may not read files,
but it may load scripts; so each file is a script that hands over some leaves of one tree."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fedprotocol.errors import FedError
from fedprotocol.leaves import Leaves
from fedprotocol.quantities import size
from fedprotocol.store.deadline import Deadline

from fedexplorer.content.named import Kind, Name
from fedexplorer.errors import NotThere
from fedexplorer.views.check import CheckPage, leaves_at_once
from fedexplorer.views.check import build as check_page
from fedexplorer.views.site import Site
from fedexplorer.views.work import NO_STORE

PATIENCE = 120.0  # seconds for a tree that the store has to fetch
FOLDER = "leaves"


class ExportedLeaves:
    """Writes into `folder`, at most `most` bytes. `missing` says of each round that was tried why its leaves are not
    there; empty if they are."""

    def __init__(self, site: Site, folder: Path, most: int) -> None:
        self._site, self._folder, self._left, self._most = site, folder / FOLDER, most, most
        self._written: set[bytes] = set()
        self.missing: dict[int, str] = {}

    def write(self, rounds: Iterable[int]) -> None:
        """Write the leaves of rounds, until there is no more room."""
        for number in rounds:
            page = check_page(self._site, number)
            if page.manifest is not None:
                self.missing[number] = self._write(page)

    def _write(self, page: CheckPage) -> str:
        content = self._site.content
        if content is None:
            return NO_STORE[:1].lower() + NO_STORE[1:].rstrip(".")
        names = [name for name in _names(page) if name.root not in self._written]
        needed = [name for name in names if name.kind is not Kind.PROPOSAL]
        files: dict[bytes, list[tuple[int, str]]] = {}
        for name in names:
            try:
                with content.trees.get(name.root, content.shape(name), Deadline(PATIENCE)) as leaves:
                    config = content.config
                    files[name.root] = list(scripts(leaves, config.leaf_count, leaves_at_once(config.leaf_values)))
            except FedError as error:
                if name in needed:  # a proposal is judged without its leaves
                    return f"not all of them could be read ({error})"
        total = sum(len(text) for parts in files.values() for _, text in parts)
        if total > self._left:
            return f"the copy would have more than {size(self._most)} of leaves"
        self._left -= total
        for root, parts in files.items():
            (self._folder / root.hex()).mkdir(parents=True)
            for first, text in parts:
                (self._folder / root.hex() / f"{first}.js").write_bytes(text.encode())
            self._written.add(root)
        return ""


def _names(page: CheckPage) -> Sequence[Name]:
    """The trees that a check may read: those it needs first."""
    if page.manifest is None:
        raise NotThere(page.reason)
    accepted = [update for update in page.manifest.updates if update.accepted]
    found = [Name(Kind.GENESIS, page.manifest.prior_root)]
    found += [Name(Kind.UPDATE, update.root) for update in accepted]
    return [*found, *(Name(Kind.PROPOSAL, claim.root) for claim in page.claims)]


def scripts(leaves: Leaves, part_leaves: int, at_once: int) -> Iterator[tuple[int, str]]:
    """The first leaf in each file, and its text. No file has leaves of two parts."""
    root = leaves.root.hex()
    for part in range(0, len(leaves), part_leaves):
        for first in range(part, part + part_leaves, at_once):
            data = b"".join(leaves[index] for index in range(first, min(first + at_once, part + part_leaves)))
            yield first, f'FedLeaves("{root}/{first}", "{b64encode(data).decode()}");\n'
