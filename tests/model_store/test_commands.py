"""`valence models` as a user meets it: output, exit status, one-line refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from model_store import Store
from model_store.commands import app
from model_store.names import blob_key
from model_store.options import default_actor

MakeFolder = Callable[..., Path]
Invoke = Callable[..., Result]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def invoke(store: Store, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs one command against the test's store."""
    monkeypatch.setenv("VALENCE_STORE", store.url)
    monkeypatch.setenv("COLUMNS", "200")
    runner = CliRunner()

    def run(*arguments: object) -> Any:  # noqa: ANN401
        return runner.invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def two(store: Store, make_folder: MakeFolder) -> Store:
    """A store with versions 1 and 2 of `sentiment`, the second one the champion."""
    for number in (1, 2):
        store.publish("sentiment", make_folder({"task": "sentiment", "note": "x" * 400}))
        store.promote("sentiment", number, actor="ada@desk", reason=f"[bold]reason {number}")
    return store


def test_list(two: Store, invoke: Invoke) -> None:
    document = json.loads(invoke("list", "--json").output)
    assert document == [{"name": "sentiment", "versions": [1, 2], "aliases": {"champion": 2}}]
    output = invoke("list").output
    assert "champion = 2" in output
    assert two.url not in output


def test_list_of_an_empty_store(invoke: Invoke) -> None:
    assert json.loads(invoke("list", "--json").output) == []
    assert invoke("list").exit_code == 0


def test_show(two: Store, invoke: Invoke) -> None:
    document = json.loads(invoke("show", "sentiment", "--json").output)
    assert document["manifest"]["version"] == 2
    assert document["digest"] == two.resolve("sentiment").digest
    output = invoke("show", "sentiment@1").output
    for part in ("sentiment@1", "network.safetensors", "x" * 100, "…"):
        assert part in output


def test_log(two: Store, invoke: Invoke) -> None:
    entries = json.loads(invoke("log", "sentiment", "--json").output)
    assert [(entry["entry"], entry["previous"], entry["version"]) for entry in entries] == [
        (1, None, 1),
        (2, 1, 2),
    ]
    assert "[bold]reason 2" in invoke("log", "sentiment").output
    assert len(two.log("sentiment")) == 2


def test_promote_and_rollback(two: Store, invoke: Invoke) -> None:
    promoted = invoke("promote", "sentiment@1", "--alias", "candidate", "--reason", "a try")
    assert promoted.output == ("sentiment@candidate now names version 1, before it nothing\n")
    again = invoke("promote", "sentiment@candidate", "--actor", "bo")
    assert again.output == "sentiment@champion now names version 1, before it version 2\n"
    entry = two.log("sentiment", "candidate")[0]
    assert (entry.actor, entry.reason) == (default_actor(), "a try")
    assert invoke("rollback", "sentiment").output.startswith(
        "sentiment@champion now names version 2"
    )
    assert two.resolve("sentiment").number == 2


def test_verify(two: Store, invoke: Invoke) -> None:
    assert invoke("verify").exit_code == 0
    assert invoke("verify").output.count("sound") == 2
    entry = two.manifest("sentiment", 1).files["labels.txt"]
    (Path(two.url) / blob_key(entry.sha256)).write_bytes(b"damaged")
    result = invoke("verify", "sentiment@1", "--json")
    assert result.exit_code == 1
    assert "labels.txt of sentiment@1" in json.loads(result.output)[0]["error"]


def test_export_and_publish(two: Store, invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("export", "sentiment@1", tmp_path / "out").exit_code == 0
    assert invoke("publish", tmp_path / "out").output == "sentiment@3\n"
    assert invoke("publish", tmp_path / "out", "--name", "other").output == "other@1\n"
    assert invoke("publish", tmp_path / "out", "--parent", "2").exit_code == 0
    assert [two.manifest("sentiment", number).parent for number in (3, 4)] == [1, 2]


def test_gc(two: Store, make_folder: MakeFolder, invoke: Invoke) -> None:
    two.publish("sentiment", make_folder())
    arguments = ("--grace-seconds", "0", "--keep-last", "1", "--versions")
    report = json.loads(invoke("gc", "--dry-run", *arguments, "--json").output)
    assert (report["dry_run"], report["retired"]) == (True, [])
    two.promote("sentiment", 3, actor="ada", reason="")
    two.promote("sentiment", 2, actor="ada", reason="")
    dry = invoke("gc", "--dry-run", *arguments)
    assert "versions that would be retired" in dry.output
    assert "sentiment@1" in dry.output
    assert "versions that were retired" in invoke("gc", *arguments).output
    assert two.versions("sentiment") == [2, 3]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("show", "tags"), "there is no model 'tags'"),
        (("show", "Tags"), "is no model name"),
        (("log", "tags"), "there is no model 'tags'"),
        (("promote", "sentiment@9"), "has no version 9"),
        (("rollback", "sentiment", "--alias", "nobody"), "has no alias 'nobody'"),
        (("verify", "tags"), "there is no model 'tags'"),
        (("export", "sentiment@9", "out"), "has no version 9"),
        (("publish", "missing", "--name", "tags"), "is no model folder"),
        (("list", "--store", "missing"), "there is no store at"),
        (("list", "--store", "ftp://host"), "ftp:// is no store"),
    ],
)
def test_a_refusal_is_one_line_and_status_1(
    two: Store,  # noqa: ARG001
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("valence: ")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("promote", "sentiment"),
        ("promote",),
        ("gc", "--keep-last", "0"),
        ("gc", "--grace-seconds", "-1"),
        ("export", "sentiment"),
        ("nonsense",),
    ],
)
def test_wrong_usage_is_status_2(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    assert invoke(*arguments).exit_code == 2


def test_a_folder_without_a_name_needs_one(
    store: Store, make_folder: MakeFolder, invoke: Invoke
) -> None:
    result = invoke("publish", make_folder())
    assert result.exit_code == 2
    assert "give --name" in result.stderr
    assert store.names() == []


def test_an_actor_without_a_user_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_user() -> str:
        raise OSError("no such user")

    monkeypatch.setattr("getpass.getuser", no_user)
    assert default_actor().startswith("unknown@")


def test_the_help_loads_no_storage_library() -> None:
    heavy = {"obstore", "boto3", "cryptography"}
    program = f"import sys, model_store.commands; print(sorted({heavy} & {{*sys.modules}}))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout == "[]\n"


def test_seed_copies_the_starters_once(store: Store, invoke: Invoke) -> None:
    assert "sentiment@1" in invoke("seed").output.split()
    assert "sentiment" in store.names()
    assert invoke("seed").output == "there was nothing to copy\n"
