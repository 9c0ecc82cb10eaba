"""Rules and dashboards as files: whole, in agreement with each other and with the metrics."""

import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from boards import BOARDS, annotation_queries, board, builder, panel_queries, panels
from boards import FOLDER as GRAFANA
from prometheus import FOLDER as PROMETHEUS
from prometheus import metrics_in, rules_of

from benchmarks.story.figures import QUERIES
from service.drift import _BY_FEATURE, _BY_MODEL
from service.metrics import Metrics

ALERTS = PROMETHEUS / "alerts.yml"
RULES = rules_of(ALERTS)
RUNBOOK = Path(__file__).parents[1] / "docs" / "operations.md"
ENDS = re.compile(r"_(bucket|sum|count|total)$")


def names() -> set[str]:
    """Every metric of the service, as Prometheus stores it, without the ends of histograms."""
    found = {ENDS.sub("", family.name) for family in Metrics().registry.collect()}
    return found | {f"valence_{name}" for name, _ in (*_BY_FEATURE, *_BY_MODEL)}


def test_every_metric_that_is_asked_for_is_there_and_every_one_of_ours_is_asked_for() -> None:
    asked = [rule["expr"] for rule in RULES]
    asked += [one.expr for one in (*panel_queries(), *annotation_queries())]
    wanted = {ENDS.sub("", name) for expr in asked for name in metrics_in(expr)}
    assert wanted <= names()
    assert {name for name in names() - wanted if name.startswith("valence_")} == set()


def test_the_story_asks_for_metrics_that_are_there() -> None:
    wanted = {ENDS.sub("", name) for expr, _ in QUERIES.values() for name in metrics_in(expr)}
    assert wanted <= names()


def test_every_recorded_metric_that_is_asked_for_is_recorded() -> None:
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    asked = " ".join(rule["expr"] for rule in RULES)
    asked += " ".join(one.expr for one in panel_queries())
    assert set(re.findall(r"\bjob(?:_model)?:[a-z0-9_:]+", asked)) == recorded


def test_every_alert_says_what_it_is_and_where_to_read_on() -> None:
    alerts = [rule for rule in RULES if "alert" in rule]
    headings = re.findall(r"^### (Valence\w+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(rule["alert"] for rule in alerts)
    assert len(set(headings)) == len(headings) > 20
    for rule in alerts:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        place = f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook_url"] == place


def test_every_alert_is_shown_to_fire_and_to_clear() -> None:
    alerts = {rule["alert"] for rule in RULES if "alert" in rule}
    fires: set[str] = set()
    clears: Counter[str] = Counter()
    for file in PROMETHEUS.glob("*_test.yml"):
        for test in yaml.safe_load(file.read_text("utf-8"))["tests"]:
            for one in test.get("promql_expr_test", []):
                name = re.findall(r'alertname="(\w+)"', one["expr"])[0]
                if one["exp_samples"]:
                    fires.add(name)
                else:
                    clears[name] += 1
    assert fires == alerts
    assert set(clears) == alerts
    assert min(clears.values()) == 2  # before it fires and after


def test_the_dashboards_are_what_the_boards_say() -> None:
    written = {file.name: file.read_text("utf-8") for file in BOARDS}
    assert written == builder().files()


def test_an_unknown_key_of_a_panel_is_refused(tmp_path: Path) -> None:
    panel = {"title": "x", "text": "y", "queries": {"a": "up"}, "colour": "red"}
    content = {"uid": "u", "title": "t", "text": "s", "variables": {}}
    file = tmp_path / "odd.yaml"
    file.write_text(yaml.safe_dump({**content, "rows": [{"title": "r", "panels": [panel]}]}))
    with pytest.raises(TypeError, match="colour"):
        builder().read(file)


@pytest.mark.parametrize("file", BOARDS, ids=lambda file: file.stem)
def test_a_dashboard_is_whole(file: Path) -> None:
    content = board(file)
    assert content["uid"] == file.stem
    numbers = [panel["id"] for panel in content["panels"]]
    assert len(set(numbers)) == len(numbers)
    source = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())
    (uid,) = (one["uid"] for one in source["datasources"])
    for panel in panels(file):
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]
        for target in panel["targets"]:
            assert target["datasource"] == {"type": "prometheus", "uid": uid}
    used = set(re.findall(r"\$([a-z]\w*)", str([panel["targets"] for panel in panels(file)])))
    assert used == {variable["name"] for variable in content["templating"]["list"]}


@pytest.mark.parametrize("file", BOARDS, ids=lambda file: file.stem)
def test_no_panel_lies_on_another(file: Path) -> None:
    places = [panel["gridPos"] for panel in board(file)["panels"]]
    assert not [(one, other) for one, other in combinations(places, 2) if overlap(one, other)]
    assert all(place["x"] + place["w"] <= 24 for place in places)


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two rectangles share a cell."""
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )
