"""Retraining once a night, by Prefect 3: `python valence_retrain.py` serves the flow.

One task calls `valence retrain MODEL --json` and reads its exit status and the last line it prints:

    0  promoted, passed, or nothing to do: completed; the verdict is the flow's result
    1  failed (2: wrong usage): failed, without another try
    3  the gate refused the challenger: completed, named Skipped; the champion serves on
    5  another retraining of this model runs: tried again later

A task that was killed is tried again, and the job goes on where it stood, as long as `--runs` names
a folder that outlives the worker. Settings, from the environment of the worker:

    VALENCE_RETRAIN_COMMAND        how the command is called there (valence)
    VALENCE_RETRAIN_ARGUMENTS      further arguments, such as --runs /var/lib/valence/runs
    VALENCE_RETRAIN_RETRY_SECONDS  between two tries (1800)
"""

import json
import os
import shlex
import subprocess

from prefect import flow, get_run_logger, task
from prefect.states import Completed, State

COMMAND = os.environ.get("VALENCE_RETRAIN_COMMAND", "valence")
ARGUMENTS = os.environ.get("VALENCE_RETRAIN_ARGUMENTS", "")
RETRY_SECONDS = float(os.environ.get("VALENCE_RETRAIN_RETRY_SECONDS", "1800"))
REFUSED, BUSY = 3, 5


class TryAgainError(Exception):
    """Another retraining of this model runs, or this one was killed."""


def is_worth_another_try(_task: object, _run: object, state: State) -> bool:
    return isinstance(state.result(raise_on_failure=False), TryAgainError)


@task(retries=6, retry_delay_seconds=RETRY_SECONDS, retry_condition_fn=is_worth_another_try)
def retrain(model: str) -> dict:
    """The verdict, as `valence retrain --json` printed it."""
    call = [*shlex.split(COMMAND), "retrain", model, "--json", *shlex.split(ARGUMENTS)]
    ran = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    verdict = json.loads(ran.stdout.splitlines()[-1]) if ran.stdout.strip() else {}
    said = verdict.get("sentence", f"exit status {ran.returncode}")
    get_run_logger().info("%s: %s", verdict.get("outcome", "failed"), said)
    if ran.returncode == BUSY or ran.returncode < 0:
        raise TryAgainError(said)
    if ran.returncode not in (0, REFUSED):
        raise RuntimeError(said)
    return verdict


@flow(name="valence-retrain")
def valence_retrain(model: str = "sentiment") -> object:
    verdict = retrain(model)
    if verdict["outcome"] == "refused":
        return Completed(name="Skipped", message=verdict["sentence"], data=verdict)
    return verdict


if __name__ == "__main__":
    valence_retrain.serve(name="nightly", cron="0 3 * * *")
