"""boards/*.yaml, written as Grafana wants them: `python docker/grafana/build.py` makes dashboards/.

A board has rows, a row panels from left to right, a panel queries by the name of their series.
Every expression is evaluated by a real Prometheus in tests/ops.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import yaml

FOLDER: Final = Path(__file__).parent

SOURCE: Final = {"type": "prometheus", "uid": "valence-prometheus"}
COLUMNS: Final = 24
SCHEMA: Final = 39  # Grafana 11; later ones read it
Kind = Literal["timeseries", "stat", "heatmap", "table"]


@dataclass(frozen=True, slots=True)
class Panel:
    """`text` says what is seen and what to make of it; `queries` are PromQL by legend.

    unit: one of Grafana's. steps: from each value on, a colour; below the first all is well.
    `least` and `most` bound the axis.
    """

    title: str
    text: str
    queries: Mapping[str, str]
    unit: str = "short"
    kind: Kind = "timeseries"
    width: int = 12
    height: int = 8
    steps: Mapping[float, str] = field(default_factory=dict)
    least: float | None = 0
    most: float | None = None
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """`variables`: choices at the top, each the values that a label of a metric has."""

    uid: str
    title: str
    text: str
    rows: tuple[Row, ...]
    variables: Mapping[str, str]


def read(file: Path) -> Board:
    """Raises TypeError for a key that there is not."""
    raw = yaml.safe_load(file.read_text("utf-8"))
    rows = tuple(
        Row(row["title"], tuple(Panel(**panel) for panel in row["panels"]))
        for row in raw.pop("rows")
    )
    return Board(rows=rows, **raw)


def files() -> dict[str, str]:
    """Each dashboard's file name and content."""
    boards = [read(file) for file in sorted((FOLDER / "boards").glob("*.yaml"))]
    return {
        f"{board.uid}.json": json.dumps(written(board), indent=2, ensure_ascii=False) + "\n"
        for board in boards
    }


def written(board: Board) -> dict[str, Any]:
    """The dashboard as Grafana's JSON model."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.text,
        "tags": ["valence"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "links": [_LINKS],
        "annotations": {"list": [_annotation(*one) for one in _ANNOTATIONS]},
        "templating": {"list": [_variable(*one) for one in board.variables.items()]},
        "panels": _panels(board.rows),
    }


def _panels(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        found.append(_heading(row.title, len(found) + 1, top))
        top += 1
        left = height = 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                left, top, height = 0, top + height, 0
            found.append(_panel(panel, len(found) + 1, left=left, top=top))
            left, height = left + panel.width, max(height, panel.height)
        top += height
    return found


def _heading(title: str, number: int, top: int) -> dict[str, Any]:
    place = {"h": 1, "w": COLUMNS, "x": 0, "y": top}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place,
            "panels": []}  # fmt: skip


def _panel(panel: Panel, number: int, *, left: int, top: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": {"h": panel.height, "w": panel.width, "x": left, "y": top},
        "targets": [
            _target(panel.kind, *one) for one in zip(_IDS, panel.queries.items(), strict=False)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
    }


def _target(kind: Kind, number: str, query: tuple[str, str]) -> dict[str, Any]:
    legend, expr = query
    now = kind == "table"
    return {
        "refId": number,
        "datasource": SOURCE,
        "expr": expr.strip(),
        "legendFormat": legend,
        "format": {"table": "table", "heatmap": "heatmap"}.get(kind, "time_series"),
        "instant": now,
        "range": not now,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    good = "green" if panel.steps else "text"
    steps: list[dict[str, float | str | None]] = [{"value": None, "color": good}]
    steps += [{"value": value, "color": colour} for value, colour in panel.steps.items()]
    found: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {"mode": "absolute", "steps": steps},
        "color": {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"},
    }
    if panel.kind == "timeseries":
        found["custom"] = _lines(panel)
    if panel.kind not in ("timeseries", "stat"):
        return found
    bounds = {"min": panel.least, "max": panel.most}
    return found | {name: value for name, value in bounds.items() if value is not None}


def _lines(panel: Panel) -> dict[str, Any]:
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if panel.stacked else 5,
        "showPoints": "never",
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if panel.steps else "off"},
    }


def _variable(name: str, metric: str) -> dict[str, Any]:
    asked = f"label_values({metric}, {name})"
    return {
        "name": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": asked, "refId": "A"},
        "definition": asked,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _annotation(name: str, colour: str, expr: str, title: str) -> dict[str, Any]:
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "iconColor": colour,
        "expr": expr,
        "titleFormat": title,
        "step": "60s",
    }


_IDS: Final = "ABCDEFGH"

_ANNOTATIONS: Final = (
    ("Alerts", "red", 'ALERTS{alertname=~"Valence.*", alertstate="firing"}', "{{alertname}}"),
    (
        "Versions",
        "blue",
        "count by (model, version) (valence_model_info)\n"
        "  unless\ncount by (model, version) (valence_model_info offset 1m)",
        "{{model}}@{{version}} is served",
    ),
)

_LINKS: Final = {
    "type": "dashboards",
    "title": "Valence",
    "tags": ["valence"],
    "asDropdown": True,
    "includeVars": True,
    "keepTime": True,
}

_OPTIONS: Final[Mapping[str, dict[str, Any]]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "area",
        "textMode": "auto",
    },
    "heatmap": {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Blues", "steps": 64},
        "yAxis": {"axisPlacement": "left"},
        "tooltip": {"mode": "single", "showColorScale": True},
    },
    "table": {"showHeader": True, "cellHeight": "sm"},
}


if __name__ == "__main__":
    for name, content in files().items():
        (FOLDER / "dashboards" / name).write_text(content, encoding="utf-8")
