#!/usr/bin/env python3
"""Write the dashboards of packaging/grafana from tools/grafana/panels.py; `--check` fails if what is there differs.

The form is Grafana's dashboard JSON model, schema version 39 (Grafana 10 and later):
https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from panels import ALL, Dashboard, Panel

FOLDER = Path(__file__).resolve().parent.parent.parent / "packaging/grafana"
COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "${source}"}


def dashboard(given: Dashboard) -> dict[str, Any]:
    """The JSON model of a dashboard. Its reader chooses the Prometheus, and the program if there is something to
    choose."""
    choices = [_source()] + ([_programs(given.chosen)] if given.chosen else [])
    return {
        "uid": given.uid,
        "title": given.title,
        "description": given.says,
        "tags": ["federation"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "links": [{"type": "dashboards", "tags": ["federation"], "title": "Federation", "asDropdown": True}],
        "annotations": {"list": []},
        "templating": {"list": choices},
        "panels": [*_panels(given.panels)],
    }


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1}


def _programs(program: str) -> dict[str, Any]:
    question = f'label_values(fed_info{{program="{program}"}}, instance)'
    return {
        "name": "node",
        "label": "Program",
        "type": "query",
        "datasource": SOURCE,
        "definition": question,
        "query": {"query": question, "refId": "programs"},
        "refresh": 2,
        "sort": 1,
    }


def _panels(panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    """From left to right, and on in the next row where one is full."""
    x = y = tallest = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        yield _panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": panel.height})
        x, tallest = x + panel.width, max(tallest, panel.height)


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.look,
        "title": panel.title,
        "description": panel.says,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + place_of),
                "datasource": SOURCE,
                "expr": query.expression,
                "legendFormat": query.legend or "__auto",
                "instant": panel.look == "table",
                "range": panel.look != "table",
                "format": "table" if panel.look == "table" else "time_series",
            }
            for place_of, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": {"unit": panel.unit, **_thresholds(panel)}, "overrides": []},
        "options": _options(panel),
    }


def _thresholds(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": "red", "value": panel.bad_from})
    if panel.bad_below is not None:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": panel.bad_below}]
    return {"thresholds": {"mode": "absolute", "steps": steps}}


def _options(panel: Panel) -> dict[str, Any]:
    match panel.look:
        case "stat":
            reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
            return {"reduceOptions": reduced, "colorMode": "value", "graphMode": "none", "textMode": "value"}
        case "timeseries":
            legend = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": ["lastNotNull"]}
            return {"legend": legend, "tooltip": {"mode": "multi", "sort": "none"}}
        case "state-timeline":
            return {"mergeValues": True, "showValue": "never", "rowHeight": 0.8}
        case _:
            return {"showHeader": True}


def main() -> int:
    wrong = []
    for name, given in ALL.items():
        text = json.dumps(dashboard(given), indent=2, ensure_ascii=False) + "\n"
        file = FOLDER / f"{name}.json"
        if "--check" not in sys.argv:
            file.write_text(text)
        elif not file.is_file() or file.read_text() != text:
            wrong.append(str(file))
    for path in wrong:
        print(f"{path} is not what tools/grafana/build.py writes: run it")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
