"""The explorer on a masked federation: what it shows of updates that nobody can read, a right mean, garbage, and the
check in the browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from support.browser import Tab
from support.evm import Anvil
from support.explorer_process import Started, explorer
from support.masked_clients import BOUND, SCALE, MaskedFederation, MaskedRound

K = 32
RIGHT, GARBAGE = 1, 2  # rounds; the second becomes final although nobody could learn from it


class Seen:
    """An explorer of a masked federation with two final rounds."""

    def __init__(self, made: MaskedFederation, rounds: dict[int, MaskedRound], started: Started) -> None:
        self.made, self.rounds, self.started = made, rounds, started

    def page(self, path: str) -> str:
        answer = requests.get(self.started.url.rstrip("/") + path, timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.text[:2000]}"
        return " ".join(answer.text.split())

    def api(self, path: str, ready: str = "") -> Any:
        """A page's model, as soon as what `ready` names is there."""
        deadline = time.monotonic() + 30
        while True:
            answer = requests.get(self.started.url.rstrip("/") + "/api" + path, timeout=30)
            assert answer.status_code == 200, f"{path}: {answer.text[:2000]}"
            found = answer.json()
            if not ready or found[ready]:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.2)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("masked")
    with Anvil() as chain:
        made = MaskedFederation(chain, folder, clients=3)
        right = made.play(RIGHT)
        made.clients[0].propose(RIGHT, right.right())
        made.federation.pass_time(10_000)
        garbage = made.play(GARBAGE, split_leaves(right.right(), K), garbage_from=1)
        made.clients[0].propose(GARBAGE, garbage.right())
        made.federation.pass_time(10_000)
        options = [f"--store=dir:{path}" for path in made.stores]
        with explorer(made.coordinator.address, chain.url, folder, *options) as started:
            started.page(wanted="Pool", seconds=60)
            yield Seen(made, {RIGHT: right, GARBAGE: garbage}, started)
        made.close()


def test_a_round_says_what_is_hidden_and_what_is_not(seen: Seen) -> None:
    page = seen.page(f"/rounds/{RIGHT}")
    assert "These updates are masked: each looks like random numbers" in page
    assert "Nobody sees what one of them learned, unless all the others work together." in page
    assert 'data-label="shift"' not in page and 'data-label="loss"' not in page
    model = seen.api(f"/rounds/{RIGHT}")
    assert model["is_masked"] and [u["weight"] for u in model["updates"]] == seen.rounds[RIGHT].weights


def test_an_update_is_bytes_without_meaning(seen: Seen) -> None:
    leaves = seen.rounds[RIGHT].sent[0]
    tree = seen.api(f"/trees/0x{leaves.root.hex()}", ready="is_served")
    assert (tree["is_masked"], tree["bits"], tree["leaf_bytes"], tree["distribution"]) == (True, 32, 4 * K, None)
    assert "means something only in the sum of all updates" in seen.page(f"/trees/0x{leaves.root.hex()}")
    leaf = seen.api(f"/trees/0x{leaves.root.hex()}/leaves/2", ready="leaf")
    assert leaf["leaf"] == "0x" + leaves[2].hex()
    stored = [int.from_bytes(leaves[2][at : at + 4], "big", signed=True) for at in range(0, 4 * K, 4)]
    assert [(v["stored"], v["units"], v["real"]) for v in leaf["values"]] == [(own, None, None) for own in stored]
    page = seen.page(f"/trees/0x{leaves.root.hex()}/leaves/2")
    assert "The integer in the leaf is masked" in page and "real number" not in page


def test_what_they_learned_together_is_shown(seen: Seen) -> None:
    seen.api("/spec", ready="spec")
    root = MemoryLeaves(split_leaves(seen.rounds[RIGHT].right(), K)).root
    tree = seen.api(f"/trees/0x{root.hex()}", ready="distribution")
    assert not tree["is_masked"] and tree["distribution"]["whole"]["count"] == 150


def test_the_model_page_says_what_an_update_is(seen: Seen) -> None:
    page = seen.page("/spec")
    assert "is masked, with 32 bits a value: nobody sees more than the sum of all updates of a round" in page
    assert seen.api("/spec")["largest_change"] == (BOUND << SCALE) * 2.0**-24


def test_the_server_computes_the_mean_again_and_finds_garbage(seen: Seen) -> None:
    for number in (RIGHT, GARBAGE):
        begun = requests.post(f"{seen.started.url}rounds/{number}/recompute", timeout=30)
        assert begun.status_code == 200
    right = seen.api(f"/rounds/{RIGHT}/recompute", ready="root")
    assert right["root"] == "0x" + MemoryLeaves(split_leaves(seen.rounds[RIGHT].right(), K)).root.hex()
    seen.started.page(f"rounds/{GARBAGE}/recompute", wanted="The sum of all updates at leaf 0 is out of range")


@pytest.mark.parametrize(
    ("number", "verdict", "says"),
    [(RIGHT, "right", "All 5 leaves"), (GARBAGE, "unchecked", "The sum of all updates in leaf 0 is out of range")],
)
def test_the_visitor_checks_it_in_the_browser(seen: Seen, tab: Tab, number: int, verdict: str, says: str) -> None:
    tab.page.goto(f"{seen.started.url}rounds/{number}/check")
    tab.page.locator("form.check .start").click()
    result = tab.page.locator("form.check .result[data-verdict]")
    result.wait_for()
    assert result.get_attribute("data-verdict") == verdict, result.inner_text()
    assert says in result.inner_text(), result.inner_text()


def test_everything_else_can_be_opened(seen: Seen) -> None:
    for path in ("/", "/rounds", "/participants", "/money", "/disputes", "/events", f"/rounds/{GARBAGE}"):
        seen.page(path)
