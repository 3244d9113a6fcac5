"""What leaves a site is said in the same words by the programs and by the README."""

from __future__ import annotations

import re

from fednode.doctor import CHECKS
from fednode.privacy import DOCUMENT, MASKED, NEVER, PUBLIC, notice
from support.documents import ROOT

STOP = {"the", "its", "with", "and", "what", "when", "did", "of", "in", "as", "or"}


def box() -> str:
    readme = (ROOT / "README.md").read_text()
    quoted = readme[readme.index("## What leaves a site") :].split("\n## ")[0].split("\n", 1)[1]
    return " ".join(line.removeprefix(">").strip() for line in quoted.splitlines())


def test_the_box_names_everything_that_the_programs_name() -> None:
    leaves, _, never = box().partition("**Never leaves:**")
    for thing in PUBLIC:
        for word in set(re.findall(r"[a-z]+", thing)) - STOP:
            assert re.search(rf"\b{word}", leaves), f"{thing}: {word}"
    for word in set(re.findall(r"[a-z]+", NEVER)) - STOP:
        assert word in never


def test_every_figure_that_a_reveal_makes_public_is_named() -> None:
    """The arguments of the event, as the contract declares it."""
    source = (ROOT / "interfaces/IFederationTypes.sol").read_text()
    event = re.search(r"event Revealed\(([^)]*)\)", source)
    assert event is not None
    named = {"round", "index", "client", "root", "shift", "examples", "weight", "lossBefore", "lossAfter", "inputsHash"}
    assert {words.split()[-1] for words in event.group(1).split(",")} == named


def test_it_is_said_before_a_site_decides() -> None:
    text = " ".join(notice())
    assert all(thing in text for thing in PUBLIC) and NEVER in text
    assert (ROOT / DOCUMENT).is_file() and "not safe from" in (ROOT / DOCUMENT).read_text()
    assert "leaves" in {check.name for check in CHECKS}


def test_a_masked_federation_shows_no_update_and_no_loss() -> None:
    text = " ".join(notice(is_masked=True))
    assert all(thing in text for thing in MASKED) and NEVER in text
    assert PUBLIC[0] not in text and "loss" not in text
    assert set(PUBLIC[3:]) < set(MASKED), "all else is seen as in a public one"
