"""The lease of a retraining: whose it is, when its holder is dead, what becomes of a lost one."""

import os
import signal
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tiny_runs import exit_code, start

from model_store import open_store
from model_store.errors import LeaseLost
from model_store.lease import Lease, LeaseHeld
from training.retrain.holder import KIND, Keeper, holding, is_dead, myself


def hold(store: str, there: Path) -> None:
    """In a child: hold the lease until somebody kills it."""
    with holding(open_store(store), "m"):
        there.write_text(myself(), encoding="utf-8")
        time.sleep(600)


def test_a_killed_holder_of_this_machine_is_not_waited_for(tmp_path: Path) -> None:
    store, there = open_store(tmp_path / "store"), tmp_path / "there"
    child = start(hold, store.url, there)
    while not there.is_file() or not there.read_text(encoding="utf-8"):
        time.sleep(0.01)
    with pytest.raises(LeaseHeld), holding(store, "m"):
        pass
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    assert exit_code(child) == -signal.SIGKILL
    assert is_dead(there.read_text(encoding="utf-8"))
    with holding(store, "m"), pytest.raises(LeaseHeld), holding(store, "m"):
        pass
    with holding(store, "m"):  # given back at the end of the block
        pass


@pytest.mark.parametrize(
    "holder",
    [
        "",
        "ops@elsewhere process 1 of 2 in pid:[3] x",
        f"ops@{socket.gethostname()}",
        f"ops@{socket.gethostname()} process 999999999 of 5 in pid:[1] another-boot",
        f"ops@{socket.gethostname()} process one of 5",
    ],
)
def test_where_in_doubt_nobody_is_dead(holder: str) -> None:
    assert not is_dead(holder)


def test_this_process_lives_and_an_earlier_one_of_its_number_does_not() -> None:
    assert not is_dead(myself())
    head, of, tail = myself().partition(" of ")
    _, space, rest = tail.partition(" in ")
    assert is_dead(f"{head}{of}17{space}{rest}")


def test_a_lease_that_another_took_over_stops_the_work(tmp_path: Path) -> None:
    """The holder stood still beyond its time; the next renewal tells it."""
    store = open_store(tmp_path / "store")
    late = datetime.now(UTC) + timedelta(hours=1)
    with store.lease("m", KIND, holder="first", seconds=60) as lease:
        keeper = Keeper(lease, every=0.01)
        with store.lease("m", KIND, holder="second", seconds=7200, clock=lambda: late):
            keeper.check()
            stale = Lease(store.objects, lease.entry, seconds=60, clock=lambda: late)
            keeper = Keeper(stale, every=0.01)
            keeper.start()
            keeper.join()
            with pytest.raises(LeaseLost, match="second has it"):
                keeper.check()
            keeper.stop()
