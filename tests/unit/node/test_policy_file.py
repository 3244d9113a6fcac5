"""The policy file is read strictly: whatever it does not say in exactly the right form, it does not allow."""

from __future__ import annotations

from pathlib import Path

import pytest
from fednode.policy.document import LARGEST, PolicyError, load_policy
from support.site_policies import PEERS, SPEC, policy_file, policy_text


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "policy.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_what_it_says(tmp_path: Path) -> None:
    changes = {"modes": ["public", "masked"], "min_noise": 1, "peers": list(PEERS), "at_least": 2}
    found = load_policy(write(tmp_path, policy_text(**changes)))
    assert found == policy_file(**changes)
    allowance = found.policy.allowance(SPEC)
    assert allowance is not None and allowance.min_noise == 1.0 and allowance.needed_peers == 2
    assert found.policy.allowance("0x" + 64 * "0") is None


def test_without_at_least_all_peers_must_take_part() -> None:
    allowance = policy_file(peers=list(PEERS)).policy.allowance(SPEC)
    assert allowance is not None and allowance.needed_peers == 3


def test_every_byte_counts(tmp_path: Path) -> None:
    text = policy_text()
    digests = {load_policy(write(tmp_path, each)).digest for each in (text, text + "# a remark\n", "\ufeff" + text)}
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version = 1", "version = 2", "version: must be 1"),
        ('site = "A hospital"', "", "site: this key is missing"),
        ('modes = ["public"]', 'modes = ["secret"]', "modes.0: must be 'public' or 'masked'"),
        ('modes = ["public"]', "modes = []", "modes: must name at least 1"),
        ('modes = ["public"]', 'mode = "public"', "unknown key"),
        ('modes = ["public"]', 'modes = ["public"]\nmin_noise = nan', "min_noise: must be"),
        ('modes = ["public"]', 'modes = ["public"]\nmin_noise = -1.0', "min_noise: must be 0.0 or more"),
        ('modes = ["public"]', 'modes = ["public"]\nmin_noise = "1"', "min_noise: must be a number without quotes"),
        ('modes = ["public"]', 'modes = ["public"]\nat_least = 1', "no round could meet it"),
        ('modes = ["public"]', 'modes = ["public"]\npeers = ["0x1"]', "must be an Ethereum address"),
        ("0x5a", "0x5A", "spec: must be of the form"),
        ("[[federation]]", "[federation]", "federation: must be a list"),
        ("[[federation]]", "[[federation", "is not valid TOML"),
    ],
)
def test_what_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = policy_text()
    assert old in text
    with pytest.raises(PolicyError) as refused:
        load_policy(write(tmp_path, text.replace(old, new, 1)))
    assert words in str(refused.value) and refused.value.needs_person


def test_a_peer_or_a_federation_that_stands_there_twice(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="names an account twice"):
        load_policy(write(tmp_path, policy_text(peers=[PEERS[0], PEERS[0].lower()])))
    second = policy_text(modes=["masked"]).partition("[[federation]]")[2]
    with pytest.raises(PolicyError, match="more than once"):
        load_policy(write(tmp_path, f"{policy_text()}[[federation]]{second}"))


def test_no_policy_or_another_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: No such file"):
        load_policy(tmp_path / "policy.toml")
    with pytest.raises(PolicyError, match="UTF-16"):
        load_policy(write(tmp_path, policy_text().encode("utf-16")))
    with pytest.raises(PolicyError, match="larger than 64 KiB"):
        load_policy(write(tmp_path, policy_text() + "#" * LARGEST))
