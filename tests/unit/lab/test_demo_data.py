"""The shipped data is what its script says it is, and dealing it loses and repeats nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from fedlab.demo.sites import CLASSES, DATA, DOMAINS, TEMPLATE, common_test, deal

ROOT = Path(__file__).resolve().parents[3]


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_every_row_is_usable() -> None:
    for name in (*DOMAINS, "test"):
        for row in rows(name):
            assert set(row) == {"term", "prompt", "completion", "domain"}
            assert row["completion"] in CLASSES
            assert row["domain"] in DOMAINS.values()
            assert 4 <= len(row["prompt"].split()) <= 23
            assert not re.match(r"\((law|medicine|computer science)\)", row["prompt"])


def test_the_common_test_set_is_balanced() -> None:
    test = rows("test")
    assert Counter(row["domain"] for row in test) == dict.fromkeys(DOMAINS.values(), 75)
    assert Counter(row["completion"] for row in test) == dict.fromkeys(CLASSES, 25)


def test_no_test_definition_or_lemma_was_trained_on_and_no_row_is_at_two_sites() -> None:
    trained = [row for site in DOMAINS for row in rows(site)]
    for key in ("prompt", "term"):
        assert not {row[key].lower() for row in trained} & {row[key].lower() for row in rows("test")}
    assert len({row["prompt"].lower() for row in trained}) == len(trained)


def test_sites_hold_their_own_domain_and_some_of_the_others() -> None:
    for site, domain in DOMAINS.items():
        counts = Counter(row["domain"] for row in rows(site))
        total = sum(counts.values())
        assert total == 260
        assert counts[domain] / total == pytest.approx(0.8)
        assert all(
            counts[other] / total == pytest.approx(0.2 / 3, abs=0.01) for other in DOMAINS.values() if other != domain
        )


@pytest.mark.parametrize("nodes", [2, 3, 4, 5, 7, 8, 16])
def test_dealing_loses_and_repeats_nothing(nodes: int) -> None:
    sites = deal(nodes)
    assert len({site.name for site in sites}) == nodes
    assert sorted(line for site in sites for line in site.test) == sorted(common_test())
    trained = [line for site in sites for line in site.train]
    assert len(set(trained)) == len(trained) == 260 * min(nodes, 4)
    assert all(site.test and site.train for site in sites)


def test_four_sites_test_their_own_domain() -> None:
    for site in deal(4):
        assert {json.loads(line)["domain"] for line in site.test} == {DOMAINS[site.name]}


def test_the_licence_is_shipped() -> None:
    notice = (DATA / "NOTICE").read_text(encoding="utf-8")
    assert "WordNet 3.1 Copyright 2011 by Princeton University" in notice
    assert "appear on ALL copies" in notice


def test_the_template_takes_a_definition() -> None:
    assert TEMPLATE.format(prompt="x") + CLASSES[0] == "Definition: x\nClass: disease"


@pytest.mark.process
def test_the_script_refuses_another_wordnet(tmp_path: Path) -> None:
    (tmp_path / "data.noun").write_text("00001740 03 n 01 entity 0 000 | that which is perceived\n")
    command = [
        sys.executable,
        str(ROOT / "lab/wordnet/build.py"),
        "--dict",
        str(tmp_path),
        "--out",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "is not WordNet 3.1's" in done.stderr
    assert not (tmp_path / "out").exists()
