#!/usr/bin/env bash
# Makes two virtual environments beside ours, with Airflow and with Prefect, for the test of their
# examples: `make test-orchestrators`. Neither shares a package with Valence.
#
#     docker/scripts/orchestrators.sh FOLDER
set -euo pipefail
folder=${1:?name a folder}
python=${PYTHON:-python3}

environment() {
    [ -x "$folder/$1/bin/$1" ] && return
    "$python" -m venv "$folder/$1"
    "$folder/$1/bin/python" -m pip install --quiet --disable-pip-version-check "$2"
}

environment airflow "apache-airflow==3.1.3"
environment prefect "prefect==3.9.1"
