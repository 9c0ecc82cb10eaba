"""torchrun on two processes against one: the same recipe, the same scores within noise."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from training.checkpoint import save_state
from training.errors import RunError
from training.fit import beginning
from training.ranks import check_alone, is_alone, is_leader
from training.run_folder import RunFolder

REPOSITORY = Path(__file__).parents[2]
TORCHRUN = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "valence"]
SMALLER = (
    *("text.vectors=''", "text.vector_words=0", "network.sizes.channels=random"),
    *("data.limit=4000", "training.epochs=3", "training.learning_rate=2e-3"),
)
DEV_ITEMS = 872


def test_outside_of_a_torchrun_one_process_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_leader()
    assert is_alone()
    check_alone("anything")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert not is_leader()
    with pytest.raises(RunError, match="anything makes its trainings in one process"):
        check_alone("anything")


def test_all_begin_where_the_leader_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFolder(tmp_path)
    assert beginning(run) == run.checkpoints
    kept = run.checkpoints / "checkpoint-7"
    kept.mkdir(parents=True)
    (kept / "trainer_state.json").write_text("{}")
    for rank in range(2):
        save_state({}, kept / f"random_{rank}")
    with pytest.raises(RunError, match="by more processes; go on with as many"):
        beginning(run)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert beginning(run) == kept
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert beginning(run) == run.checkpoints
    run.trained.write_bytes(b"")
    assert beginning(run) == run.trained


def trained(module: list[str], runs: Path, data: Path) -> RunFolder:
    settings = [part for key in SMALLER for part in ("--set", key)]
    arguments = ["train", "sentiment-average", "--no-publish", "--device", "cpu", *settings]
    result = subprocess.run(
        [sys.executable, "-m", *module, *arguments, "--runs", str(runs)],
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1", "VALENCE_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    (path,) = runs.iterdir()
    return RunFolder.open(path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_processes_learn_as_well_as_one(data: Path, tmp_path: Path) -> None:
    """Both see every example once an epoch; a step of two processes takes two batches.

    The difference must be within four standard errors of two independent runs.
    """
    runs = (trained(["valence"], tmp_path / "one", data), trained(TORCHRUN, tmp_path / "two", data))
    one, two = (max(row.get("dev_accuracy", 0.0) for row in run.metrics()) for run in runs)
    steps = [run.metrics()[-1]["steps"] for run in runs]
    assert steps[1] == math.ceil(steps[0] / 6) * 3, "half as many in each of three epochs"
    share = (one + two) / 2
    assert min(one, two) > 0.65, "both must have learnt for this to mean much"
    assert abs(one - two) < 4 * math.sqrt(2 * share * (1 - share) / DEV_ITEMS)
