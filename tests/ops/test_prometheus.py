"""A real Prometheus answers every expression of the dashboards and of the rules, with data."""

import math
from typing import Any, Final

import httpx
import pytest
from boards import Asked, annotation_queries, panel_queries
from house import Watched
from prometheus import FOLDER, metrics_in, promtool, rules_of, until

pytestmark = [pytest.mark.ops, pytest.mark.timeout(600)]

DRIFT: Final = {"ValenceDrift", "ValenceDriftDistance", "ValenceEstimatedAccuracyFell"}
"""What the same sentence again and again may set off."""

RULES: Final = rules_of(FOLDER / "alerts.yml")
RECORDED: Final = [rule["record"] for rule in RULES if "record" in rule]
NAMES: Final = [rule.get("record", rule.get("alert")) for rule in RULES]
ALERTS: Final = [rule["alert"] for rule in RULES if "alert" in rule]


def has_data(result: list[dict[str, Any]]) -> bool:
    """At least one series with a number."""
    return any(not math.isnan(float(one["value"][1])) for one in result)


@pytest.mark.parametrize("asked", [*panel_queries()], ids=lambda asked: asked.place)
def test_every_panel_has_data(watched: Watched, asked: Asked) -> None:
    found = has_data(watched.prometheus.query(asked.expr, at=watched.at))
    assert found


@pytest.mark.parametrize("asked", [*annotation_queries()], ids=lambda asked: asked.place)
def test_every_annotation_is_an_expression(watched: Watched, asked: Asked) -> None:
    """Nothing need have happened."""
    watched.prometheus.query(asked.expr, at=watched.at)


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_metric_has_data(watched: Watched, name: str) -> None:
    assert has_data(watched.prometheus.query(name, at=watched.at))


def test_every_rule_is_healthy(watched: Watched) -> None:
    until(lambda: all(rule["health"] != "unknown" for rule in watched.prometheus.rules()))
    rules = watched.prometheus.rules()
    assert sorted(rule["name"] for rule in rules) == sorted(NAMES)
    assert not [rule for rule in rules if rule["health"] != "ok" or rule.get("lastError")]


@pytest.mark.parametrize("rule", [r for r in RULES if "alert" in r], ids=ALERTS)
def test_every_alert_asks_for_metrics_that_are_scraped(
    watched: Watched, rule: dict[str, Any]
) -> None:
    for name in metrics_in(rule["expr"]):
        assert watched.prometheus.query(f"count({name})", at=watched.at), name


def test_a_healthy_house_is_quiet(watched: Watched) -> None:
    """Alerts do not wait here, so each would fire at once."""
    firing = watched.prometheus.query('ALERTS{alertstate="firing"}', at=watched.at)
    assert {one["metric"]["alertname"] for one in firing} <= DRIFT


def test_the_metrics_are_well_named(watched: Watched) -> None:
    promtool("check", "metrics", given=httpx.get(f"{watched.replicas[0].url}/metrics").text)


def test_rules_and_configuration_are_valid() -> None:
    assert f"{len(RULES)} rules found" in promtool("check", "rules", FOLDER / "alerts.yml")
    promtool("check", "config", FOLDER / "prometheus.yml")


@pytest.mark.parametrize("name", ["alerts_test.yml", "alerts_of_days_test.yml"])
def test_alerts_fire_and_clear(name: str) -> None:
    assert "SUCCESS" in promtool("test", "rules", FOLDER / name)


def test_a_replica_that_is_gone_is_told_of(watched: Watched) -> None:
    """The last test of this file: it ends one of the two."""
    gone = watched.replicas[1]
    gone.process.terminate()
    assert gone.process.wait(30) == 0
    alert = f'ALERTS{{alertname="ValenceDown", alertstate="firing", instance="{gone.address}"}}'
    until(lambda: bool(watched.prometheus.query(alert)))
