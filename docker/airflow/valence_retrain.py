"""Retraining once a night, by Apache Airflow 3: copy this file into the folder of its DAGs.

One task calls `valence retrain MODEL --json` and reads its exit status and the last line it prints:

    0  promoted, passed, or nothing to do: success; the verdict is the task's result
    1  failed (2: wrong usage): failed, without another try
    3  the gate refused the challenger: skipped; the champion serves on
    5  another retraining of this model runs: tried again later

A task that was killed is tried again by Airflow, and the job goes on where it stood, as long as
`--runs` names a folder that outlives the worker. Settings, from the environment of the worker:

    VALENCE_RETRAIN_MODEL          which model (sentiment)
    VALENCE_RETRAIN_COMMAND        how the command is called there (valence)
    VALENCE_RETRAIN_ARGUMENTS      further arguments, such as --runs /var/lib/valence/runs
    VALENCE_RETRAIN_RETRY_SECONDS  between two tries (1800)
"""

import json
import os
import shlex
import subprocess
from datetime import datetime, timedelta, timezone

from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.sdk import dag, task

MODEL = os.environ.get("VALENCE_RETRAIN_MODEL", "sentiment")
COMMAND = os.environ.get("VALENCE_RETRAIN_COMMAND", "valence")
ARGUMENTS = os.environ.get("VALENCE_RETRAIN_ARGUMENTS", "")
RETRY = timedelta(seconds=float(os.environ.get("VALENCE_RETRAIN_RETRY_SECONDS", "1800")))
REFUSED, BUSY = 3, 5


@dag(
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),  # noqa: UP017 - Airflow's own Python
    catchup=False,
    max_active_runs=1,
    tags=["valence"],
)
def valence_retrain() -> None:
    @task(retries=6, retry_delay=RETRY)
    def retrain(model: str) -> dict:
        """The verdict, as `valence retrain --json` printed it; progress goes to the task's log."""
        call = [*shlex.split(COMMAND), "retrain", model, "--json", *shlex.split(ARGUMENTS)]
        ran = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
        verdict = json.loads(ran.stdout.splitlines()[-1]) if ran.stdout.strip() else {}
        said = verdict.get("sentence", f"exit status {ran.returncode}; see the task's log")
        if ran.returncode == REFUSED:
            raise AirflowSkipException(said)
        if ran.returncode == BUSY or ran.returncode < 0:  # killed: the job goes on when tried again
            raise AirflowException(said)
        if ran.returncode:
            raise AirflowFailException(said)
        return verdict

    retrain(MODEL)


valence_retrain()
