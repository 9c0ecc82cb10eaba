"""The Grafana dashboards, as the tests read them."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

FOLDER: Final = Path(__file__).parents[2] / "docker" / "grafana"
BOARDS: Final = sorted((FOLDER / "dashboards").glob("*.json"))
VARIABLES: Final = {
    "$model": ".*",
    "$route": ".*",
    "$__rate_interval": "30s",
}
"""What Grafana puts in place of each variable."""


class Asked(NamedTuple):
    """One query of a dashboard: `place` says where it stands."""

    place: str
    expr: str


def board(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return content


def panels(file: Path) -> list[dict[str, Any]]:
    """Those that show something: rows are left out."""
    return [panel for panel in board(file)["panels"] if panel["type"] != "row"]


def panel_queries() -> Iterator[Asked]:
    """Every expression of every panel, variables put in."""
    for file in BOARDS:
        for panel in panels(file):
            for target in panel["targets"]:
                place = f"{file.stem}: {panel['title']} {target['refId']}"
                yield Asked(place, filled(target["expr"]))


def annotation_queries() -> Iterator[Asked]:
    """The expressions of marks on the time axis."""
    for file in BOARDS:
        for one in board(file)["annotations"]["list"]:
            yield Asked(f"{file.stem}: {one['name']}", filled(one["expr"]))


def filled(expr: str) -> str:
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    return expr


def builder() -> ModuleType:
    """docker/grafana/build.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("build", FOLDER / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
