"""docker/compose.yaml: the specification's schema, what podman-compose reads, and our rules."""

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from service.settings import Settings

FOLDER = Path(__file__).parents[2] / "docker"
COMPOSE = FOLDER / "compose.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
LASTING = sorted(name for name in SERVICES if name not in ("seed", "retrain"))
EXAMPLE = (FOLDER / "env.example").read_text()
REQUIRED = re.findall(r"^([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE)


def test_the_schema_of_the_specification() -> None:
    place = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(place.read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    faults = [error.message for error in Draft7Validator(schema).iter_errors(DOCUMENT)]
    assert faults == []


def compose_config(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The file as podman-compose reads it, every variable filled in."""
    command = [sys.executable, "-m", "podman_compose", "--file", str(COMPOSE), "config"]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    return subprocess.run(
        command, env=environment, cwd=FOLDER, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def filled() -> dict[str, Any]:
    """With a value for each secret that env.example names."""
    ran = compose_config({name: f"value-of-{name}" for name in REQUIRED})
    assert ran.returncode == 0, ran.stderr
    document: dict[str, Any] = yaml.safe_load(ran.stdout)
    return document


def test_podman_compose_reads_it_and_fills_in_the_secrets(filled: dict[str, Any]) -> None:
    services = filled["services"]
    environment = services["valence"]["environment"]
    assert environment["AWS_SECRET_ACCESS_KEY"] == "value-of-S3_SECRET_KEY"
    assert environment["VALENCE_RECEIPT_KEYS"] == "value-of-RECEIPT_KEYS"
    assert environment["VALENCE_STORE"] == services["seed"]["environment"]["VALENCE_STORE"]
    for part in ("store", "postgres", "seed", "prometheus", "grafana"):
        assert services[part]["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", REQUIRED)
def test_there_is_no_default_for_a_secret(name: str) -> None:
    asked = re.findall(rf"\$\{{{name}([^}}]*)\}}", COMPOSE.read_text())
    assert asked
    assert set(asked) == {":?see env.example"}


def test_no_value_of_a_secret_is_committed() -> None:
    assert re.findall(r"^[A-Z0-9_]+=.+", EXAMPLE, re.MULTILINE) == []
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|KEY", name) and name != "<<":
                assert str(value).startswith("${"), name


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged", False)
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert service["mem_limit"]
    assert service["pids_limit"]


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_of_a_stated_version(name: str) -> None:
    image = SERVICES[name]["image"]
    tag = image.rpartition(":")[2]
    assert tag not in ("", "latest")
    assert "build" in SERVICES[name] or re.fullmatch(r"v?\d+\.\d+(\.\d+)?", tag)


@pytest.mark.parametrize("name", LASTING)
def test_every_service_that_stays_has_a_health_check_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_who_is_waited_for_can_be_waited_for() -> None:
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            other = SERVICES[name]
            if how["condition"] == "service_healthy":
                assert "healthcheck" in other
            else:
                assert how["condition"] == "service_completed_successfully"
                assert other["restart"].startswith("on-failure")


def test_ports_are_open_on_this_machine_only_and_stores_have_none() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
    assert DOCUMENT["networks"]["back"]["internal"] is True
    for name in ("store", "postgres", "seed", "retrain"):
        assert SERVICES[name]["networks"] == ["back"]
        assert "ports" not in SERVICES[name]


def test_the_time_to_stop_is_longer_than_a_drain() -> None:
    service = SERVICES["valence"]
    environment = service["environment"]
    needed = [environment[f"VALENCE_{name}_SECONDS"] for name in ("SHUTDOWN_DELAY", "DRAIN")]
    assert sum(map(float, needed)) < float(service["stop_grace_period"].removesuffix("s"))


def test_what_is_mounted_from_the_repository_is_there() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert volume.endswith(":ro")
                assert (FOLDER / source).is_dir(), source
            elif not source.startswith("$"):
                assert source in DOCUMENT["volumes"]


def test_the_service_takes_these_settings() -> None:
    given = {
        name.removeprefix("VALENCE_").lower(): value
        for name, value in SERVICES["valence"]["environment"].items()
        if name.startswith("VALENCE_") and not str(value).startswith("${")
    }
    settings = Settings.model_validate(given)
    assert settings.store == "s3://valence/store"
    assert settings.feedback.startswith("postgresql+psycopg://")
