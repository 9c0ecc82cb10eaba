"""Several machines, one of which fails: the run goes on and ends in the very same version.

Each "machine" is a torchrun of its own here; they meet over TCP and share the run folder, as they
would over a network file system.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
from tiny_runs import bytes_of, sentiment_recipe

from model_store import open_store
from training.checkpoint import last_checkpoint
from training.run_folder import RunFolder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
REPOSITORY = Path(__file__).parents[2]
FRESH_STORE = "TORCH_DISABLE_SHARE_RDZV_TCP_STORE"
"""See docs/training-on-several-machines.md: without it a second start may wait for the first."""

EPOCHS = 20
PATIENCE_SECONDS = 600.0
ALONE = ("--standalone", "--nproc-per-node", "2")


class Place:
    """A recipe, a folder of runs that all machines see, and a store a run."""

    def __init__(self, folder: Path) -> None:
        self.recipe = sentiment_recipe(folder)
        self.stores = folder / "stores"
        self.runs = folder / "runs"

    def train(self, run: str, *torchrun: str, again: bool = False) -> subprocess.Popen[str]:
        where = ("--resume" if again else "--run-folder", str(self.runs / run))
        changed = () if again else (f"training.epochs={EPOCHS}", f"training.patience={EPOCHS}")
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "torch.distributed.run", *torchrun),
                *("-m", "valence", "train", str(self.recipe), *where),
                *("--store", str(self.stores / run), "--device", "cpu"),
                *(part for key in changed for part in ("--set", key)),
            ],
            cwd=REPOSITORY,
            env={**os.environ, "OMP_NUM_THREADS": "1", FRESH_STORE: "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def folder(self, run: str) -> RunFolder:
        return RunFolder.open(self.runs / run)

    def versions(self, run: str) -> list[int]:
        return open_store(self.stores / run).versions("tiny")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("machines"))


@pytest.fixture(scope="module")
def whole(place: Place) -> RunFolder:
    """A run of two processes that nothing happens to."""
    with started(place.train("whole", *ALONE)) as launch:
        output, _ = launch.communicate(timeout=PATIENCE_SECONDS)
        assert launch.returncode == 0, output
    return place.folder("whole")


@contextmanager
def started(*launches: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """The first of the launches; what is left of any is killed at the end."""
    try:
        yield launches[0]
    finally:
        for launch in launches:
            for process in children(launch):
                process.kill()
            launch.kill()
            launch.wait()


def children(launch: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return list(psutil.Process(launch.pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def worker(launches: list[subprocess.Popen[str]], rank: int) -> psutil.Process:
    """The process that trains as this rank."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        for process in (child for launch in launches for child in children(launch)):
            try:
                if process.environ().get("RANK") == str(rank):
                    return process
            except psutil.Error:  # it has just begun, or ended
                continue
        time.sleep(0.02)
    raise TimeoutError(f"no process trains as rank {rank}")


def kill_in_the_middle(place: Place, run: str, launches: list[subprocess.Popen[str]]) -> None:
    """Kill the second process once two epochs are kept."""
    second = worker(launches, 1)
    until = time.monotonic() + PATIENCE_SECONDS
    folder = RunFolder(place.runs / run)
    while time.monotonic() < until:
        last = last_checkpoint(folder.checkpoints, processes=2)
        if last is not None and int(last.name.rpartition("-")[2]) >= 24:
            second.send_signal(signal.SIGKILL)
            assert not folder.trained.exists(), "it must still have been training"
            return
        time.sleep(0.002)
    raise TimeoutError("no checkpoint came")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def same(run: RunFolder, whole: RunFolder) -> None:
    """Weights, graph, vocabulary, golden answers and card, byte for byte; steps once each."""
    assert bytes_of(run.version) == bytes_of(whole.version)
    assert run.trained.read_bytes() == whole.trained.read_bytes()
    steps = [row["step"] for row in run.metrics() if "loss" in row]
    assert steps == [row["step"] for row in whole.metrics() if "loss" in row]


def test_a_launch_that_a_killed_process_ended_is_gone_on_with(
    place: Place, whole: RunFolder
) -> None:
    launch = place.train("resumed", *ALONE)
    with started(launch):
        kill_in_the_middle(place, "resumed", [launch])
        output, _ = launch.communicate(timeout=PATIENCE_SECONDS)
        assert launch.returncode != 0, output
    assert not place.folder("resumed").version.exists()
    again = place.train("resumed", *ALONE, again=True)
    with started(again):
        output, _ = again.communicate(timeout=PATIENCE_SECONDS)
        assert again.returncode == 0, output
    same(place.folder("resumed"), whole)
    assert place.versions("resumed") == place.versions("whole") == [1]


def test_two_machines_of_which_one_loses_its_process_start_again_by_themselves(
    place: Place, whole: RunFolder
) -> None:
    meeting = (
        *("--nnodes", "2", "--nproc-per-node", "1", "--max-restarts", "1"),
        *("--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{free_port()}"),
        *("--rdzv-id", "tests", "--local-addr", "127.0.0.1"),
    )
    launches = [place.train("machines", *meeting) for _ in range(2)]
    with started(*launches):
        kill_in_the_middle(place, "machines", launches)
        outputs = [launch.communicate(timeout=PATIENCE_SECONDS)[0] for launch in launches]
        assert [launch.returncode for launch in launches] == [0, 0], outputs
    published = [output for output in outputs if "published tiny@" in output]
    assert len(published) == 1, "the leader alone publishes, and once"
    assert published[0].count(f"run folder: {place.runs / 'machines'}") == 2, (
        "begun and begun again"
    )
    same(place.folder("machines"), whole)
    assert place.versions("machines") == [1]
