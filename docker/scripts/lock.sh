#!/usr/bin/env bash
# Makes the locks of docker/locks anew from pyproject.toml: `make lock`. Arguments go to uv, such as
# --upgrade, or --upgrade-package NAME. Without any, versions that are locked already stay.
#
# uv must find torch 2.13.0+cpu: TORCH_INDEX is where, unless UV_FIND_LINKS names a folder with it.
set -euo pipefail
cd "$(dirname "$0")/../.."
uv=${UV:-.venv/bin/uv}
locks=docker/locks
index=${TORCH_INDEX-https://download.pytorch.org/whl/cpu}
export UV_CUSTOM_COMPILE_COMMAND="make lock"

compile() {
    local lock=$1
    shift
    "$uv" pip compile --quiet --generate-hashes --python-version 3.11 --python-platform linux \
        "$@" --output-file "$locks/$lock"
    echo "$locks/$lock: $(grep -c '^[a-z].*==' "$locks/$lock") packages"
}

served=(pyproject.toml --extra postgres --extra tracing)
compile build.txt "$locks/build.in" "$@"
compile serve.txt "${served[@]}" --override "$locks/serve-leaves-out.txt" "$@"
compile serve-cuda.txt "${served[@]}" --extra gpu --override "$locks/serve-leaves-out.txt" \
    --constraint "$locks/serve.txt" --constraint "$locks/torch-cuda.in" "$@"
compile train.txt "${served[@]}" --extra train --extra s3 \
    --constraint "$locks/serve.txt" --constraint "$locks/torch-cpu.txt" \
    --no-emit-package torch ${index:+--extra-index-url "$index" --index-strategy unsafe-best-match} "$@"
