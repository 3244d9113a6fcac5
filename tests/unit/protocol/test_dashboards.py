"""Dashboards and alerts ask for figures that the programs have, by labels that these bear."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from fedprotocol import metrics
from prometheus_client import REGISTRY, CollectorRegistry, Counter, ProcessCollector
from support.promql import Named, named

ROOT = Path(__file__).resolve().parents[3]
DASHBOARDS = sorted((ROOT / "packaging/grafana").glob("*.json"))
RULES = ROOT / "packaging/prometheus/federation.rules.yaml"
FROM_PROMETHEUS = {"instance", "job"}  # what it puts on everything that it asks
INFO = {"program", "version", "account", "coordinator", "chain_id"}  # of fed_info, as `introduce` sets them


def known() -> dict[str, set[str]]:
    """Figure -> its labels, of everything that a program serves, and `up`, which Prometheus adds."""
    found: dict[str, set[str]] = {"up": set(), "fed_info": INFO}
    for name in dir(metrics):
        metric = getattr(metrics, name)
        if not hasattr(metric, "describe") or not hasattr(metric, "_labelnames"):
            continue
        [family] = metric.describe()
        ending = "_total" if isinstance(metric, Counter) else ""
        own = {family.name} if family.type == "stateset" else set()
        found.setdefault(family.name + ending, set()).update(metric._labelnames, own)
    for family in ProcessCollector(registry=CollectorRegistry()).collect():
        found.update({sample.name: set() for sample in family.samples})
    return found


KNOWN = known()


def expressions() -> list[tuple[str, str]]:
    """(where it stands, the expression)."""
    found = []
    for file in DASHBOARDS:
        board = json.loads(file.read_text())
        found += [(f"{file.name}: {panel['title']}", t["expr"]) for panel in board["panels"] for t in panel["targets"]]
    return found + [(f"alert {rule['alert']}", rule["expr"]) for rule in rules()]


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def unknown(expression: str) -> list[str]:
    """Figures that no program serves, and labels that none of them bears."""
    told = named(expression)
    wrong = [name for name, _ in told.figures if name not in KNOWN]
    for name, labels in told.figures:
        wrong += [f"{name}{{{label}}}" for label in labels - KNOWN.get(name, set()) - FROM_PROMETHEUS]
    borne = {label for name, _ in told.figures for label in KNOWN.get(name, ())} | FROM_PROMETHEUS
    return wrong + sorted(told.labels - borne)


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_every_figure_and_label_exists(where: str, expression: str) -> None:
    assert named(expression).figures, where
    assert unknown(expression) == []


def test_the_figures_are_those_of_the_registry() -> None:
    served = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    assert {name for name in KNOWN if name.startswith("fed_")} >= {name for name in served if name.startswith("fed_")}
    assert {"fed_errors_total", "fed_phase", "fed_info", "process_open_fds"} <= set(KNOWN)


def test_dashboards_show_every_figure() -> None:
    shown = {name for _, expression in expressions() for name, _ in named(expression).figures}
    assert {name for name in KNOWN if name.startswith("fed_")} - shown == {"fed_chain_block"}, "the time says the same"


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("fed_rounds", ["fed_rounds"]),
        ('fed_round{account="0x"}', ["fed_round{account}"]),
        ("sum by (kind) (fed_problems)", ["kind"]),
        ("sum by (kind) (increase(fed_errors_total[5m]))", []),
        ('rate(fed_errors[5m]) > 2 and on (instance) fed_phase{fed_phase=~"a|b"} == 1', ["fed_errors"]),
    ],
)
def test_what_does_not_exist_is_seen(expression: str, wrong: list[str]) -> None:
    assert unknown(expression) == wrong


def test_an_expression_s_names() -> None:
    told = named('sum by (a, b) (rate(x:y{c=~"by (z)", d!="}"}[5m] offset 1h)) > 1e3 and on (e) max(z) == bool 1.5')
    assert told == Named(frozenset({("x:y", frozenset("cd")), ("z", frozenset())}), frozenset("abe"))


def test_the_files_are_what_the_tool_writes() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "tools/grafana/build.py", "--check"], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
    assert [file.stem for file in DASHBOARDS] == ["aggregator", "federation", "node"]


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_panels_stand_beside_each_other_and_not_on_each_other(file: Path) -> None:
    board = json.loads(file.read_text())
    cells: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        own = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not own & cells and place["x"] + place["w"] <= 24, panel["title"]
        cells |= own
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    asked = {t["expr"] for panel in board["panels"] for t in panel["targets"]}
    assert ("$node" in " ".join(asked)) == any(v["name"] == "node" for v in board["templating"]["list"])


def test_every_alert_says_what_to_do_and_is_tried() -> None:
    tried = yaml.safe_load((ROOT / "tests/trials/alerts/rules_test.yaml").read_text())
    cases = [case for test in tried["tests"] for case in test["alert_rule_test"]]
    raised = {case["alertname"] for case in cases if case["exp_alerts"]}
    assert {rule["alert"] for rule in rules()} == raised
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert {"summary", "description"} == set(rule["annotations"])
        assert "$labels.instance" in rule["annotations"]["summary"]
