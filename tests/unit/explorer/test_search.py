"""What a text in the search box may be."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from fedexplorer.search import LONGEST, Found, Hit, Known, find
from fedprotocol.tree import cid, raw_cid
from hypothesis import given
from hypothesis import strategies as st

ANN = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
BOB = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
TX, BLOCK, ROOT, SPEC, STRANGE = (bytes([n]) * 32 for n in (1, 2, 3, 4, 9))
GLOBAL = Hit("tree", {"root": "0x" + ROOT.hex()}, "the global model of round 3")
SPECIFICATION = Hit("spec", {}, "the spec")


def content(digest: bytes) -> Sequence[Hit]:
    return {ROOT: (GLOBAL,), SPEC: (SPECIFICATION,)}.get(digest, ())


KNOWN = Known(
    rounds=12,
    head=250,
    names={ANN: "St. Anna's clinic", BOB: "Bank B", "0x" + 40 * "5": "Bank C"},
    accounts={ANN, BOB},
    event_names=("Committed", "Revealed", "RoundOpened", "RoundFinalized", "RoundVoided"),
    has_transaction=lambda digest: digest == TX,
    block_of=lambda digest: 77 if digest == BLOCK else None,
    content_of=content,
)


def places(found: Found) -> list[tuple[str, dict[str, Any]]]:
    return [(hit.page, dict(hit.parameters)) for hit in found.hits]


@pytest.mark.parametrize(
    ("text", "page", "parameters"),
    [
        ("round 3", "round", {"number": 3}),
        ("  Round #3 ", "round", {"number": 3}),
        ("rounds 12", "round", {"number": 12}),
        ("block 3", "block", {"number": 3}),
        ("13", "block", {"number": 13}),
        ("block 0", "block", {"number": 0}),
        ("2 5 0", "block", {"number": 250}),
        (ANN, "address", {"address": ANN}),
        (ANN.lower(), "address", {"address": ANN}),
        (ANN[2:].lower(), "address", {"address": ANN}),
        ("0x" + 40 * "7", "address", {"address": "0x" + 40 * "7"}),
        ("0x" + TX.hex(), "transaction", {"hash": "0x" + TX.hex()}),
        (TX.hex().upper(), "transaction", {"hash": "0x" + TX.hex()}),
        ("0x" + BLOCK.hex(), "block", {"number": 77}),
        ("0x" + ROOT.hex(), "tree", {"root": "0x" + ROOT.hex()}),
        (cid(ROOT), "tree", {"root": "0x" + ROOT.hex()}),
        ("ipfs://" + cid(ROOT), "tree", {"root": "0x" + ROOT.hex()}),
        (cid(STRANGE), "tree", {"root": "0x" + STRANGE.hex()}),
        (raw_cid(SPEC), "spec", {}),
        ("revealed", "events", {"name": "Revealed"}),
        ("round opened", "events", {"name": "RoundOpened"}),
        ("bank b", "address", {"address": BOB}),
        ("anna", "address", {"address": ANN}),
    ],
)
def test_a_text_with_one_meaning_leads_there(text: str, page: str, parameters: dict[str, Any]) -> None:
    found = find(text, KNOWN)
    assert found.only is not None
    assert (found.only.page, found.only.parameters) == (page, parameters)


def test_what_has_several_meanings_gives_a_list() -> None:
    assert places(find("3", KNOWN)) == [("round", {"number": 3}), ("block", {"number": 3})]
    assert find("3", KNOWN).only is None
    strange = find("0x" + STRANGE.hex(), KNOWN)
    assert [page for page, _ in places(strange)] == ["transaction", "tree"] and strange.only is None
    assert not any(hit.is_sure for hit in strange.hits)
    twice = Known(rounds=0, head=0, content_of=lambda _: (GLOBAL, Hit(GLOBAL.page, GLOBAL.parameters, "a copy of it")))
    assert len(find(cid(ROOT), twice).hits) == 2 and find(cid(ROOT), twice).only == GLOBAL  # both are on one page
    assert [hit.says for hit in find("bank", KNOWN).hits] == ["the account Bank B", "the account Bank C"]
    assert [hit.parameters["name"] for hit in find("Round", KNOWN).hits] == [
        "RoundFinalized",
        "RoundOpened",
        "RoundVoided",
    ]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "Type a round"),
        ("   ", "Type a round"),
        ("round 13", "Rounds 1 to 12"),
        ("251", "newest block is 250"),
        ("99999999999999999999999999999999", "newest block is 250"),
        (ANN[:-1] + "9", "checksum"),
        ("0x1234", "These are 4"),
        ("Qm" + 44 * "a", "no CID"),
        (raw_cid(STRANGE), "single leaf"),
        ("hospital", "called “hospital”"),
    ],
)
def test_nothing_found_says_what_there_is(text: str, word: str) -> None:
    found = find(text, KNOWN)
    assert found.hits == () and found.only is None
    assert word in found.hint


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "\x00\x1b[31m\u202e",
        "٣",  # a digit, but not one of ours
        "9" * 100_000,
        "0x" + "f" * 100_000,
        "' OR 1=1 --",
        "%s%s{0}{known}",
        "b" + "a" * 58,
        "\ud800",
        "round " + "0" * 190,
        "a\n" * 5_000,
        "../../etc/passwd",
    ],
)
def test_hostile_text_finds_nothing_and_takes_no_time(text: str) -> None:
    begin = time.process_time()
    found = find(text, KNOWN)
    assert time.process_time() - begin < 0.1
    assert found.hits == ()
    assert found.hint.isprintable() and len(found.hint) < LONGEST


@given(st.text(max_size=250))
def test_any_text_gives_pages_or_a_hint(text: str) -> None:
    found = find(text, KNOWN)
    assert bool(found.hits) != bool(found.hint)
    assert {hit.page for hit in found.hits} <= {"round", "block", "address", "transaction", "tree", "spec", "events"}
