"""Every relative link of a document leads to a file, and to a heading where it names one."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from support.documents import ROOT, anchors, documents, links, pictures

ALL = documents()


def test_what_people_read_first_is_among_them() -> None:
    names = {str(path.relative_to(ROOT)) for path in ALL}
    assert {"README.md", "CONTRIBUTING.md", "docs/protocol.md", "docs/decisions/README.md"} <= names


@pytest.mark.parametrize("document", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_links(document: Path) -> None:
    text = document.read_text()
    broken = [link for link in links(text) if not leads_somewhere(document, link)]
    assert not broken
    unseen = [target for target, alternative in pictures(text) if not alternative.strip()]
    assert not unseen, "a picture without a text for those who cannot see it"


@pytest.mark.parametrize("document", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_named_that_a_reader_does_not_have(document: Path) -> None:
    assert not re.findall(r"\bDESIGN\b|\bthe design\b|\bthe issue\b|\bmake tools\b|\.\./shared", document.read_text())


def leads_somewhere(document: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (document.parent / unquote(parts.path)).resolve() if parts.path else document
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not parts.fragment or parts.fragment in anchors(target.read_text())


def test_a_broken_link_is_seen() -> None:
    document = ROOT / "README.md"
    assert leads_somewhere(document, "docs/protocol.md#numbers")
    assert not leads_somewhere(document, "docs/protocol.md#no-such-heading")
    assert not leads_somewhere(document, "docs/no-such-page.md")
    assert list(links('[a](b.md) ![c](d.svg) <img src="e.svg" alt="f">')) == ["b.md", "d.svg", "e.svg"]
