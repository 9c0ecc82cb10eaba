"""The examples for Airflow and Prefect, run by Airflow and Prefect: `make test-orchestrators`.

Each has an environment of its own (docker/scripts/orchestrators.sh), whose folder
VALENCE_ORCHESTRATORS names. One run of each really retrains a tiny model; the others call a command
that ends as it is told, to see what becomes of each exit status.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from retraining import Place, champion, give, place, reviews

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("VALENCE_ORCHESTRATORS", ROOT / ".orchestrators")).absolute()
SECONDS = 280
PREFECT = """
import sys
sys.path.insert(0, sys.argv[1])
from valence_retrain import valence_retrain
state = valence_retrain(sys.argv[2], return_state=True)
print("ended", state.name)
"""

pytestmark = pytest.mark.slow
Orchestrator = Callable[[Path, str, str], str]
"""(folder, command, arguments) to how it ended: "success", "skipped" or "failed"."""


def airflow(folder: Path, command: str, arguments: str) -> str:
    home, program = folder / "airflow", FOLDER / "airflow" / "bin" / "airflow"
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "docker" / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    environ = environment(command, arguments, **settings)
    called([program, "db", "migrate"], environ)
    said = called([program, "dags", "test", "valence_retrain"], environ)
    states = [word.partition("=")[2] for word in said.split() if word.startswith("new_state=")]
    return states[-1]


def prefect(folder: Path, command: str, arguments: str) -> str:
    settings = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "150",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    program = [FOLDER / "prefect" / "bin" / "python", "-c", PREFECT]
    environ = environment(command, arguments, **settings)
    said = called([*program, ROOT / "docker" / "prefect", "tiny"], environ)
    names = {"Completed": "success", "Skipped": "skipped", "Failed": "failed"}
    (name,) = [line.split()[1] for line in said.splitlines() if line.startswith("ended ")]
    return names[name]


ORCHESTRATORS: dict[str, Orchestrator] = {"airflow": airflow, "prefect": prefect}


@pytest.fixture(params=list(ORCHESTRATORS))
def orchestrator(request: pytest.FixtureRequest) -> Orchestrator:
    if not (FOLDER / request.param / "bin" / request.param).is_file():
        pytest.skip(f"{request.param} is not installed in {FOLDER}: make test-orchestrators")
    return ORCHESTRATORS[request.param]


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return champion(tmp_path_factory.mktemp("champion"))


def environment(command: str, arguments: str, **settings: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VALENCE_")}
    ours = {
        "VALENCE_RETRAIN_MODEL": "tiny",
        "VALENCE_RETRAIN_COMMAND": command,
        "VALENCE_RETRAIN_ARGUMENTS": arguments,
        "VALENCE_RETRAIN_RETRY_SECONDS": "0.5",
    }
    return {**kept, **ours, **settings}


def called(command: Sequence[object], environ: dict[str, str]) -> str:
    """All that was printed, whatever the exit status."""
    ran = subprocess.run(
        list(map(str, command)),
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return ran.stdout


def ending(folder: Path, codes: Sequence[int]) -> str:
    """A command that ends with these exit statuses, one a call, and prints a verdict."""
    left, script = folder / "codes", folder / "command"
    left.write_text("".join(f"{code}\n" for code in codes), encoding="utf-8")
    outcome = {0: "promoted", 3: "refused", 5: "busy"}
    verdicts = {
        c: json.dumps({"outcome": outcome.get(c, "failed"), "sentence": "-"}) for c in codes
    }
    cases = "\n".join(f"{code}) echo '{verdict}';;" for code, verdict in verdicts.items())
    text = f"#!/bin/sh\ncode=$(head -n1 {left}); sed -i 1d {left}\ncase $code in\n{cases}\nesac\n"
    script.write_text(f"{text}exit $code\n", encoding="utf-8")
    script.chmod(0o700)
    return str(script)


def test_it_really_retrains(orchestrator: Orchestrator, version: Path, tmp_path: Path) -> None:
    here: Place = place(tmp_path, version)
    give(here.feedback, reviews(70))
    arguments = here.arguments()[2:]  # without the command's and the model's names
    command = f"env PYTHONPATH={ROOT} {sys.executable} -m valence"
    assert orchestrator(tmp_path, command, shlex.join(a for a in arguments if a != "--json")) == (
        "success"
    )
    assert here.store.resolve("tiny").number == 2
    assert here.store.log("tiny")[-1].reason.startswith("valence retrain: passed")


@pytest.mark.parametrize(
    ("codes", "ended", "left"),
    [
        ((5, 5, 0, 9), "success", 1),  # another one held the lease, twice
        ((3, 9), "skipped", 1),
        ((1, 9), "failed", 1),  # never tried again
    ],
)
def test_each_exit_status_means_something(
    orchestrator: Orchestrator, codes: tuple[int, ...], ended: str, left: int, tmp_path: Path
) -> None:
    assert orchestrator(tmp_path, ending(tmp_path, codes), "--promote never") == ended
    rest = (tmp_path / "codes").read_text(encoding="utf-8").splitlines()
    assert len(rest) == left
