"""Settings: one place of truth, from variables or options, checked with sentences."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from model_store import Store, open_store
from service.commands import app
from service.loader import open_settings_store
from service.settings import Settings

RUNNER = CliRunner(env={"COLUMNS": "220", "TERM": "dumb", "NO_COLOR": "1"})


def test_every_setting_is_an_option_a_variable_and_explained() -> None:
    help_text = re.sub(r"[\s│]+", " ", RUNNER.invoke(app, ["--help"]).output)
    for name, field in Settings.model_fields.items():
        assert f"--{name.replace('_', '-')} " in help_text
        assert f"VALENCE_{name.upper()}" in help_text
        assert field.description is not None
        assert field.description[:30] in help_text


def test_what_is_counted_or_timed_says_in_what() -> None:
    units = ("_seconds", "_ms", "_bytes", "_tokens", "_items", "_texts", "_characters", "_days")
    plain = {"port", "threads", "max_loaded_versions", "max_aspects"}
    for name, field in Settings.model_fields.items():
        if name not in plain and "int" in str(field.annotation).replace("Annotated", ""):
            assert name.endswith(units), name


def test_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALENCE_PORT", "9001")
    monkeypatch.setenv("VALENCE_MODELS", " sentiment@7 , tags ,sentiment@7")
    settings = Settings()
    assert settings.port == 9001
    assert settings.references == ("sentiment@7", "tags")


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--port", "70000", "VALENCE_PORT: Input should be less than or equal to 65535"),
        ("--models", "../x", "VALENCE_MODELS"),
        ("--models", ",", "name at least one model"),
        ("--device", "tpu", "VALENCE_DEVICE"),
        ("--watchdog-seconds", "0", "VALENCE_WATCHDOG_SECONDS"),
        ("--runtime", "jax", "'auto', 'onnx' or 'torch'"),
    ],
)
def test_a_senseless_value_is_explained(option: str, value: str, said: str) -> None:
    result = RUNNER.invoke(app, [option, value])
    assert result.exit_code == 2
    assert said in re.sub(r"[\s│]+", " ", result.output)


def test_an_option_wins_over_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALENCE_PORT", "9001")
    result = RUNNER.invoke(app, ["--port", "-1"])
    assert "greater than or equal to 0" in re.sub(r"[\s│]+", " ", result.output)


def test_a_store_that_is_named_is_taken_as_it_is(tmp_path: Path) -> None:
    open_store(tmp_path / "mine")
    store = open_settings_store(Settings.model_validate({"store": str(tmp_path / "mine")}))
    assert store.names() == []


def default_store(monkeypatch: pytest.MonkeyPatch, home: Path) -> Store:
    monkeypatch.delenv("VALENCE_STORE", raising=False)
    monkeypatch.setenv("VALENCE_HOME", str(home))
    return open_settings_store(Settings())


def test_the_default_store_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = default_store(monkeypatch, tmp_path / "home")
    assert store.url == str(tmp_path / "home" / "store")
    assert not store.objects.read_only
