"""The check that runs in the visitor's browser, in Chromium, against the programs' own functions."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_utils.crypto import keccak
from fedaggregator.rules import rule_named
from fedprotocol import tree
from fedprotocol.numbers import quantize_global, split_leaves
from fedprotocol.reference.state import Round, Submission
from playwright.sync_api import Page, Route
from support.browser_rounds import IN_PAGE, SCRIPTS, BrowserRound, Given, browser_round, random_round
from support.documents import section

ROOT = Path(__file__).parents[3]
Check = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.process


@pytest.fixture
def small(tmp_path: Path) -> BrowserRound:
    """Three updates of five leaves; the second one was not accepted."""
    rng = np.random.default_rng(1)
    given = [
        Given(rng.integers(-128, 128, 39).astype(np.int8), weight, shift, accepted)
        for weight, shift, accepted in [(120, 4, True), (7, 3, False), (64, 5, True)]
    ]
    return browser_round(tmp_path, rng.integers(-(2**20), 2**20, 39).astype(np.int32), given, 8, 2**16)


def test_the_round_of_the_document(check: Check, tmp_path: Path) -> None:
    """What the document says the roots are, the browser finds from the numbers in its tables."""
    document = section((ROOT / "docs/protocol.md").read_text(), "One round in numbers")
    before, clinic, bank, law, _after, _money = document.tables
    given = [
        Given(np.array(list(map(int, table[-1][1:])), np.int8), weight, shift)
        for table, weight, shift in ((clinic, 120, 4), (bank, 72, 3), (law, 64, 5))
    ]
    prior = quantize_global(np.array(list(map(float, before[1][1:])), np.float32))
    right = browser_round(tmp_path, prior, given, 2, 2**16)
    root = "17f53edab1f2b25499aa6b7f4862aa48ee5b9a20f7af7d73be55b6fb03f609b2"
    lie = "972bc0850dc3af7b2fd81b96ebff4fe894a9e5ecea5e2e4600c6ec78deaca1fa"
    for told in (root, lie):
        assert told in " ".join(line for fence in document.fences for line in fence)
    answer = check(right)
    assert (answer["verdict"], answer["root"], answer["served"]) == ("right", root, True)

    leaves = [right.trees[root][0], bytes.fromhex("fffffc7c00800448")]
    right.manifest["global_root"], right.trees[lie] = lie, leaves
    answer = check(right)
    assert (answer["verdict"], answer["root"]) == ("wrong", root)
    assert answer["first"] == {
        "leaf": 1,
        "part": 0,
        "value": 0,
        "claimed": -900,
        "right": -901,
        "prior": 0,
        "words": [
            "update 0: -52 * 2^4 = -832",
            "update 1: -42 * 2^3 = -336",
            "update 2: -52 * 2^5 = -1664",
            "W = 120 + 72 + 64 = 256",
            "S = 120 * -832\n  + 72 * -336\n  + 64 * -1664",
            "  = -230528",
            "mean = R(S, W) = -901",
            "weight = 0 + R(-901 * 65536, 2^16) = -901",
        ],
    }


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("bits", [8, 16])
def test_random_rounds(check: Check, tmp_path: Path, seed: int, bits: int) -> None:
    """1 to 16 updates, 2 to 17 leaves, the last of which is not full."""
    made = random_round(tmp_path, seed, seed + 1, bits, (seed + 2) * 64 - 5, 64)
    answer = check(made)
    assert (answer["verdict"], answer["root"]) == ("right", made.manifest["global_root"]), answer


@pytest.mark.parametrize("bits", [8, 16])
def test_the_largest_sums(check: Check, tmp_path: Path, bits: int) -> None:
    """256 updates with the largest weight, shift and mantissas."""
    made = random_round(tmp_path, bits, 256, bits, 100, 64, largest=True)
    answer = check(made)
    assert (answer["verdict"], answer["root"]) == ("right", made.manifest["global_root"]), answer


def test_halves(check: Check, tmp_path: Path) -> None:
    """Every value is a half before it is rounded, at both divisions, above zero and below."""
    values = np.arange(-64, 64, dtype=np.int8) * 2 + 1
    for lr in (2**15, 2**16, 3 * 2**15):
        made = browser_round(
            tmp_path,
            np.zeros(128, np.int32),
            [Given(values, 1, 0), Given(np.zeros(128, np.int8), 1, 0)],
            64,
            lr,
        )
        assert check(made)["verdict"] == "right"


def test_means_beside_a_half_of_sums_that_no_double_holds(check: Check, tmp_path: Path) -> None:
    """One unit more or less in a sum above 2^56 decides where the mean is rounded to."""
    rng, columns, sums = np.random.default_rng(5), [], []
    high, low = 2**20 - 1, 2**20 - 2
    total = 255 * high + low
    back = pow(high << 23, -1, total)
    while (
        len(columns) < 16
    ):  # 254 mantissas that count 2^23 times, one that counts 2^12 times, and one that counts once
        middle, last, beside = (int(number) for number in rng.integers((-128, -128, -8), (128, 128, 9)))
        rest = (high << 12) * middle + low * last
        others = (total // 2 + beside - rest) * back % total
        others -= total if others > total // 2 else 0
        if 2**13 < abs(others) <= 127 * 254:
            each, more = divmod(others, 254)
            columns.append([*([each + 1] * more), *([each] * (254 - more)), middle, last])
            sums.append((high << 23) * others + rest)
    assert all(abs(value) > 2**56 for value in sums)
    assert len({tree_step(value, total) == tree_step(int(float(value)), total) for value in sums}) == 2
    mantissas = np.array(columns, np.int8).T
    given = [Given(own, high, 23) for own in mantissas[:-2]]
    given += [Given(mantissas[-2], high, 12), Given(mantissas[-1], low, 0)]
    assert check(browser_round(tmp_path, np.zeros(16, np.int32), given, 8, 2**16))["verdict"] == "right"


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def other_bit(leaves: list[bytes]) -> None:
    leaves[3] = flipped(leaves[3])


def swapped(leaves: list[bytes]) -> None:
    leaves[1], leaves[2] = leaves[2], leaves[1]


@pytest.mark.parametrize("change", [other_bit, swapped])
@pytest.mark.parametrize("place", ["prior_root", "global_root", 0, 2])
def test_leaves_that_are_not_those_of_the_root(
    check: Check, small: BrowserRound, change: Callable[[list[bytes]], None], place: str | int
) -> None:
    manifest = small.manifest
    root = manifest[place] if isinstance(place, str) else manifest["updates"][place]["root"]
    assert check(small)["verdict"] == "right"
    change(small.trees[root])
    answer = check(small)
    assert answer["verdict"] == "foreign"
    name = {"prior_root": "the global before the round", "global_root": "the global's root follows"}.get(
        str(place), f"update {place}"
    )
    assert name in answer["message"]


def test_an_update_that_does_not_count_is_not_looked_at(check: Check, small: BrowserRound) -> None:
    del small.trees[small.manifest["updates"][1]["root"]]
    assert check(small)["verdict"] == "right"


def test_a_lie(check: Check, small: BrowserRound) -> None:
    right = small.lie(2)
    answer = check(small)
    assert (answer["verdict"], answer["root"], answer["served"]) == ("wrong", right, True)
    first = answer["first"]
    assert (first["leaf"], first["value"], first["claimed"] - first["right"]) == (2, 7, 1)
    values = [int(line.rpartition("= ")[2]) for line in first["words"] if line.startswith("update ")]
    weights = [update["weight"] for update in small.manifest["updates"] if update["accepted"]]
    total = sum(weight * value for weight, value in zip(weights, values, strict=True))
    assert f"  = {total}" in first["words"]
    assert first["right"] - first["prior"] == int(tree_step(total, 184))


def tree_step(total: int, weight: int) -> int:
    return (abs(total) * 2 + weight) // (2 * weight) * (1 if total >= 0 else -1)


def test_a_lie_of_which_nobody_has_the_leaves(check: Check, small: BrowserRound) -> None:
    right = small.lie(2)
    del small.trees[small.manifest["global_root"]]
    answer = check(small)
    assert (answer["verdict"], answer["root"]) == ("wrong", right)
    assert (answer["first"], answer["served"]) == (None, False)


def test_a_lie_with_the_right_leaves_beside_it(check: Check, small: BrowserRound) -> None:
    """Leaves that are not those of the root say nothing about it."""
    right = small.lie(2)
    small.trees[small.manifest["global_root"]] = small.trees[right]
    answer = check(small)
    assert (answer["verdict"], answer["root"], answer["served"]) == ("wrong", right, False)


def test_a_right_global_of_which_nobody_has_the_leaves(check: Check, small: BrowserRound) -> None:
    del small.trees[small.manifest["global_root"]]
    answer = check(small)
    assert (answer["verdict"], answer["served"]) == ("right", False)


@pytest.mark.parametrize("name", ["weight", "shift", "root", "client", "accepted"])
def test_a_page_that_lies_about_an_update(check: Check, small: BrowserRound, name: str) -> None:
    """Without the contract's word, what counts in the average still shows in its result."""
    manifest, update = small.manifest, small.manifest["updates"][2]
    manifest["votes"] = [{"client": one["client"], "bitmap": "0x5"} for one in manifest["updates"]]
    assert check(small)["verdict"] == "right"
    other = {
        "weight": 65,
        "shift": 4,
        "root": manifest["updates"][1]["root"],
        "client": "0x" + "f" * 40,
        "accepted": False,
    }
    update[name] = other[name]
    answer = check(small)
    assert answer["verdict"] == "foreign"
    assert ("the votes do not say about update 2" if name == "accepted" else "whose hash") in answer["message"]
    del manifest["votes"], manifest["inputs_hash"]
    assert check(small)["verdict"] == ("right" if name == "client" else "wrong")


@pytest.mark.parametrize("place", ["prior_root", 0])
@pytest.mark.parametrize("kept", [0, 1, 4])
def test_a_part_is_missing(check: Check, small: BrowserRound, place: str | int, kept: int) -> None:
    root = small.manifest[place] if isinstance(place, str) else small.manifest["updates"][place]["root"]
    small.trees[root] = [*small.trees[root][:kept], b"12"]
    answer = check(small)
    assert answer["verdict"] == "unchecked"
    assert "are needed" in answer["message"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "krum"}, 'rule is "krum", and this program knows fedavg, fedavgm'),
        ({"rule": "toString"}, 'rule is "toString"'),
        ({"parts": 2}, "numbers"),
        ({"rule": "fedavgm"}, "numbers"),
        ({"leaf_count": 1}, "numbers"),
        ({"leaf_count": 2**20 + 1}, "numbers"),
        ({"mantissa_bits": 12}, "numbers"),
        ({"server_lr": 0}, "numbers"),
        ({"updates": []}, "no update"),
        ({"updates": [{"index": 0, "weight": 2**20, "shift": 0, "accepted": True}]}, "numbers"),
        ({"updates": [{"index": 0, "weight": 1, "shift": 24, "accepted": True}]}, "numbers"),
        ({"updates": [{"index": 1, "weight": 1, "shift": 0, "accepted": True}]}, "numbers"),
    ],
)
def test_what_it_does_not_know(check: Check, small: BrowserRound, change: dict[str, Any], message: str) -> None:
    del small.manifest["inputs_hash"]
    small.manifest.update(change)
    answer = check(small)
    assert answer["verdict"] == "unchecked"
    assert message in answer["message"]


def test_no_sha256_over_plain_http_from_another_machine(chromium: Any, small: BrowserRound) -> None:
    with chromium.new_context() as context:
        page = context.new_page()

        def answer(route: Route) -> None:
            route.fulfill(body="<!doctype html>", content_type="text/html")

        page.route("**/*", answer)
        page.goto("http://explorer.test/")
        for script in SCRIPTS:
            page.add_script_tag(path=script)
        found = page.evaluate(IN_PAGE, small.argument() | {"options": {}})
    assert found["verdict"] == "unchecked"
    assert "https" in found["message"]


def test_it_can_be_stopped(check_page: Page, small: BrowserRound) -> None:
    run = IN_PAGE.replace(
        "FedCheck.checkRound(manifest, source, options)",
        """(() => {
            const stop = new AbortController();
            const progress = (done) => { if (done === 3) stop.abort(); };
            return FedCheck.checkRound(manifest, source, {progress, signal: stop.signal});
        })()""",
    )
    answer = check_page.evaluate(run, small.argument() | {"options": {}})
    assert (answer["verdict"], answer["message"]) == ("unchecked", "it was stopped before the last leaf")


MEASURED = """
    const start = performance.now();
    let last = start, longest = 0, frames = 0, goes = true;
    const look = () => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
        frames += 1;
        if (goes) requestAnimationFrame(look);
    };
    const end = (answer) => {
        goes = false;
        look();
        return {...answer, longest, frames, seconds: (performance.now() - start) / 1000};
    };
    look();
    const answer = await FedCheck"""


@pytest.mark.parametrize("clients", [4])
def test_a_whole_adapter_takes_seconds_and_leaves_the_page_alive(
    check_page: Page, tmp_path: Path, clients: int, record_property: Callable[[str, object], None]
) -> None:
    """450 leaves of 1,024 values: LoRA of rank 8 on the small model of the demo."""
    made = random_round(tmp_path, clients, clients, 8, 450 * 1024, 1024, largest=True)
    run = IN_PAGE.replace("return FedCheck", MEASURED).rstrip("}") + "return end(answer); }"
    answer = check_page.evaluate(run, made.argument() | {"options": {}})
    assert answer["verdict"] == "right"
    record_property(f"check of 450 leaves, {clients} updates in Chromium [s]", f"{answer['seconds']:.2f}")
    record_property(f"longest wait of the page meanwhile, {clients} updates [ms]", f"{answer['longest']:.0f}")
    assert answer["longest"] < 1000


@pytest.mark.parametrize("leaf_count", [2, 3, 5, 6, 7, 8, 9, 13])
def test_one_leaf(check_page: Page, tmp_path: Path, leaf_count: int) -> None:
    """Each leaf with its path leads to the roots, and only there."""
    made = random_round(tmp_path, leaf_count, 3, 16, leaf_count * 16, 16)
    manifest = made.manifest
    roots = [
        manifest["prior_root"],
        *(one["root"] for one in manifest["updates"] if one["accepted"]),
        manifest["global_root"],
    ]
    digests = [[tree.leaf_digest(leaf) for leaf in made.trees[root]] for root in roots]

    def verdict(index: int, at: int, claimed: bytes | None = None) -> dict[str, Any]:
        opened = [
            {"leaf": made.trees[root][index].hex(), "path": [beside.hex() for beside in tree.path(own, at)]}
            for root, own in zip(roots, digests, strict=True)
        ]
        opened[-1]["digest"] = (claimed or digests[-1][index]).hex()
        del opened[-1]["leaf"]
        answer: dict[str, Any] = check_page.evaluate(
            """({manifest, index, opened}) => {
                const {bytesOf} = FedInputs;
                const [prior, ...leaves] = opened.map(({leaf, digest, path}) => (
                    {leaf: leaf && bytesOf(leaf), digest: digest && bytesOf(digest), path: path.map(bytesOf)}));
                const claimed = leaves.pop();
                return FedCheck.checkLeaf(manifest, index, 0, [prior], leaves, claimed);
            }""",
            {"manifest": manifest, "index": at, "opened": opened},
        )
        return answer

    for index in range(leaf_count):
        answer = verdict(index, index)
        assert (answer["verdict"], answer["digest"]) == ("right", digests[-1][index].hex())
        assert verdict(index, (index + 1) % leaf_count)["verdict"] == "foreign"
    manifest["leaf_values"] = 15
    assert "64 bytes in place of 60" in verdict(0, 0)["message"]
    manifest["leaf_values"] = 16
    for other, message in ((2 * leaf_count, "too short"), (2, "too long")):
        manifest["leaf_count"] = other
        assert leaf_count < 4 or message in verdict(0, 0)["message"]
    manifest["leaf_count"] = leaf_count
    lying = bytes(range(32))
    assert verdict(0, 0, lying)["verdict"] == "foreign"
    right = digests[-1][-1]
    digests[-1][-1] = lying
    manifest["global_root"] = tree.root(digests[-1]).hex()
    answer = verdict(leaf_count - 1, leaf_count - 1, lying)
    assert (answer["verdict"], answer["digest"]) == ("wrong", right.hex())


def test_keccak(check_page: Page) -> None:
    texts = [os.urandom(length) for length in (*range(140), 270, 271, 272, 273, 1000)]
    found = check_page.evaluate(
        "(texts) => texts.map((text) => FedInputs.hexOf(FedInputs.keccak256(FedInputs.bytesOf(text))))",
        [text.hex() for text in texts],
    )
    assert found == [keccak(text).hex() for text in texts]


def test_which_updates_count(check_page: Page) -> None:
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(200):
        count = int(rng.integers(1, 9))
        weights = [int(weight) for weight in rng.integers(1, 40, count)]
        bitmaps = {
            i: int(rng.integers(0, 2**count)) | int(rng.integers(0, 2**count))
            for i in range(count)
            if rng.random() < 0.9
        }
        model = Round(opened_at=0, train_end=0, active=count, prior_root=None, prior_at=None)
        for i, weight in enumerate(weights):
            yes = sum(weights[j] for j, bitmap in bitmaps.items() if j == i or bitmap >> i & 1)
            yes += weight if i not in bitmaps else 0
            model.updates.append(Submission(client=f"0x{i:040x}", root=b"", shift=0, weight=weight, yes=yes))
        found = check_page.evaluate(
            "([updates, votes]) => FedInputs.acceptedBy(updates, votes)",
            [
                [{"client": f"0x{i:040x}", "weight": weight} for i, weight in enumerate(weights)],
                [{"client": f"0x{i:040x}", "bitmap": hex(bitmap)} for i, bitmap in bitmaps.items()],
            ],
        )
        assert found == model.accepted
        seen.add((any(found), all(found)))
    assert len(seen) == 3


def test_it_reads_leaves_at_the_same_place_as_the_programs(check_page: Page) -> None:
    """One update, weight one, a whole step: the next global is the prior plus the update."""
    prior, delta = np.array([1, -(2**31), 2**31 - 1, 5], np.int32), np.array([2, -1, 1, -(2**15)], np.int16)
    sums = rule_named("fedavg").accumulate(None, delta[np.newaxis], 1, 0)
    expected = rule_named("fedavg").finish(sums, prior[np.newaxis, np.newaxis], 1, 2**16).ravel()
    found = check_page.evaluate(
        """([prior, leaf]) => {
            const updates = [{weight: 1, shift: 0, accepted: true}];
            const manifest = {rule: "fedavg", mantissa_bits: 16, server_lr: 65536, updates};
            const {bytesOf, hexOf} = FedInputs;
            return hexOf(FedCheck.nextLeaf(manifest, [bytesOf(prior)], [bytesOf(leaf)]).leaves[0]);
        }""",
        [split_leaves(prior, 4)[0].hex(), split_leaves(delta, 4)[0].hex()],
    )
    assert found == split_leaves(expected, 4)[0].hex()
