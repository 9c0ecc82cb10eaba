"""Keys, signatures and rollbacks from a terminal, as users meet them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from model_store import Keys, Store, open_store
from model_store.keys import PASSPHRASE_VARIABLE, SigningKey
from valence import app

MakeFolder = Callable[..., Path]
Invoke = Callable[..., Result]


@pytest.fixture
def invoke(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Invoke:
    """Runs one command against the test's store, in the test's folder."""
    monkeypatch.setenv("VALENCE_STORE", store.url)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def run(*arguments: object) -> Any:  # noqa: ANN401
        return runner.invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def three(store: Store, make_folder: MakeFolder) -> Store:
    """Versions 1 to 3 of `sentiment`, each promoted in turn."""
    for number in (1, 2, 3):
        store.publish("sentiment", make_folder())
        store.promote("sentiment", number, actor="ada@desk", reason="better")
    return store


def test_from_a_key_to_a_verified_version(three: Store, invoke: Invoke) -> None:
    made = invoke("models", "keygen", "signer.pem")
    keyid = SigningKey.read("signer.pem").keyid
    assert made.output.splitlines()[0] == f"key {keyid}"
    assert "services trust signer.pub.pem" in made.output
    signed = invoke("models", "sign", "sentiment@2", "--key", "signer.pem", "--actor", "bo")
    digest = three.manifest("sentiment", 2).digest
    assert signed.output == f"sentiment@2, manifest {digest}, is signed by key {keyid}\n"
    verify = ("models", "verify", "--trusted", "signer.pub.pem")
    result = invoke(*verify, "--json")
    assert result.exit_code == 1
    rows = {row["version"]: row for row in json.loads(result.output)}
    assert (rows[2]["signed"], rows[2]["error"]) == (True, None)
    assert "sentiment@1 is not signed by a trusted key" in rows[1]["error"]
    result = invoke(*verify, "sentiment@2")
    assert (result.exit_code, "sound, signed by a trusted key" in result.output) == (0, True)
    untrusted = invoke("models", "verify", "sentiment@1", "--json")
    assert (untrusted.exit_code, json.loads(untrusted.output)[0]["signed"]) == (0, False)


def test_publish_signs_what_it_publishes(
    store: Store, make_folder: MakeFolder, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "four small horses")
    invoke("models", "keygen", "signer.pem")
    arguments = ("models", "publish", make_folder(), "--name", "sentiment", "--key", "signer.pem")
    assert invoke(*arguments).output == "sentiment@1\n"
    guarded = open_store(store.url, trusted=Keys(Path("signer.pub.pem")))
    assert guarded.manifest("sentiment", 1).version == 1
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "wrong")
    refused = invoke(*arguments)
    assert (refused.exit_code, "is wrong" in refused.stderr) == (1, True)
    assert store.versions("sentiment") == [1], "a key is read before anything is published"


def test_rollback_says_who_when_why_and_how_long(three: Store, invoke: Invoke) -> None:
    result = invoke("rollback", "sentiment", "--reason", "complaints since noon", "--actor", "bo")
    assert result.exit_code == 0
    entry = three.log("sentiment")[-1]
    moved, who, notice = result.output.splitlines()
    assert moved == "sentiment@champion now names version 2, before it version 3"
    at = entry.at.isoformat()[:19].replace("T", " ")
    assert who == f"rollback by bo at {at} UTC: complaints since noon"
    assert "poll interval (5 seconds, or what VALENCE_POLL_INTERVAL_SECONDS says)" in notice
    assert (entry.action, entry.actor, entry.reason) == ("rollback", "bo", "complaints since noon")


@pytest.mark.parametrize("command", [("rollback",), ("models", "rollback")])
def test_rollback_to_a_version_passes_over_those_between(
    three: Store, invoke: Invoke, command: tuple[str, ...]
) -> None:
    assert invoke(*command, "sentiment", "--to", "1").exit_code == 0
    assert three.resolve("sentiment").number == 1
    entry = three.log("sentiment")[-1]
    assert (entry.action, entry.previous, entry.before) == ("rollback", 3, None)
    refused = invoke(*command, "sentiment", "--to", "2")
    assert (refused.exit_code, "nothing before it" in refused.stderr) == (1, True)


def test_with_trusted_keys_an_alias_moves_only_to_a_signed_version(
    three: Store, invoke: Invoke
) -> None:
    invoke("models", "keygen", "signer.pem")
    trusted = ("--trusted", "signer.pub.pem")
    moves = [("rollback", "sentiment"), ("models", "promote", "sentiment@2")]
    for move in moves:
        refused = invoke(*move, *trusted)
        assert (refused.exit_code, "is not signed by" in refused.stderr) == (1, True)
        assert three.resolve("sentiment").number == 3
    invoke("models", "sign", "sentiment@2", "--key", "signer.pem")
    for move in moves:
        assert invoke(*move, *trusted).exit_code == 0
    assert three.resolve("sentiment").number == 2


def test_rollback_leads_only_where_single_rollbacks_lead(
    three: Store, invoke: Invoke, make_folder: MakeFolder
) -> None:
    three.rollback("sentiment", actor="ada", reason="")
    three.publish("sentiment", make_folder())
    three.promote("sentiment", 4, actor="ada", reason="")
    refused = invoke("rollback", "sentiment", "--to", "3")
    assert refused.exit_code == 1
    assert "leads to version 3; it leads to 2, 1; promote a version instead" in refused.stderr
    assert three.resolve("sentiment").number == 4
    assert invoke("rollback", "sentiment", "--to", "2").exit_code == 0
    assert three.resolve("sentiment").number == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("models", "sign", "sentiment@1", "--key", "missing.pem"), "cannot sign with missing.pem"),
        (("models", "sign", "sentiment@9", "--key", "signer.pem"), "has no version 9"),
        (
            ("models", "sign", "sentiment@1", "--key", "signer.pem", "--digest", "0" * 64),
            "not signed",
        ),
        (("models", "sign", "sentiment@1", "--key", "signer.pub.pem"), "cannot sign with"),
        (("models", "keygen", "signer.pem"), "is never written over"),
        (("models", "keygen", "nowhere/signer.pem"), "No such file"),
        (("models", "verify", "--trusted", " , "), "by comma"),
        (("rollback", "tags"), "there is no model 'tags'"),
    ],
)
def test_a_refusal_is_one_line_and_status_1(
    three: Store,  # noqa: ARG001
    invoke: Invoke,
    arguments: tuple[str, ...],
    reason: str,
) -> None:
    invoke("models", "keygen", "signer.pem")
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("valence: ")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "sign", "sentiment", "--key", "x.pem"),
        ("models", "sign", "sentiment@1"),
        ("rollback",),
        ("rollback", "sentiment", "--to", "0"),
    ],
)
def test_wrong_usage_is_status_2(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    assert invoke(*arguments).exit_code == 2


def test_a_trusted_key_that_cannot_be_read_is_named(three: Store, invoke: Invoke) -> None:
    result = invoke("models", "verify", "sentiment@1", "--trusted", "nowhere")
    assert result.exit_code == 1
    assert "the trusted key nowhere is not read" in result.output.replace("\n", " ")
    assert three.versions("sentiment") == [1, 2, 3]
