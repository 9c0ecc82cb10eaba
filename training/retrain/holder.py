"""The lease on retraining a model: held by one process, renewed while it works.

A killed process leaves its lease behind until it runs out. On the machine of the killed one that
wait is needless: who holds the lease is written as this machine's process by number, start and
process namespace, and where no such process lives any more, the lease is given back in its name.
Anywhere else, time decides.
"""

import getpass
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

from model_store import Store
from model_store.errors import LeaseLost, Unavailable
from model_store.lease import Lease, LeaseHeld, abandon

KIND: Final = "retrain"
SECONDS: Final = 300.0
RENEW_SECONDS: Final = 20.0


class Keeper:
    """Renews a lease in the background; `check` raises LeaseLost once another has it."""

    def __init__(self, lease: Lease, *, every: float = RENEW_SECONDS) -> None:
        self._lease = lease
        self._every = every
        self._ended = threading.Event()
        self._lost: LeaseLost | None = None
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def check(self, *_: object) -> None:
        if self._lost is not None:
            raise self._lost

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def join(self) -> None:
        """Wait for its end: it is stopped, or the lease is lost."""
        self._thread.join()

    def _renew(self) -> None:
        while not self._ended.wait(self._every):
            try:
                self._lease.renew()
            except LeaseLost as error:
                self._lost = error
                return
            except Unavailable:
                continue  # time is left: the lease lasts for many tries


@contextmanager
def holding(store: Store, name: str) -> Iterator[Keeper]:
    """One retraining of a model at a time. Raises LeaseHeld where another one holds it."""
    with ExitStack() as stack:
        keeper = Keeper(stack.enter_context(_taken(store, name)))
        stack.callback(keeper.stop)
        keeper.start()
        yield keeper


def myself() -> str:
    """This process, told apart from every other one on every machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()} {_mark(os.getpid())}"[:200]


def is_dead(holder: str) -> bool:
    """Whether a holder was a process of this machine, and lives no more. False where in doubt."""
    before, _, mark = holder.partition(" ")
    number = mark.split(" ")[1:2]
    if before.rpartition("@")[2] != socket.gethostname() or not number or not number[0].isdigit():
        return False
    ours = _mark(os.getpid()).rpartition(" in ")[2]
    return mark.rpartition(" in ")[2] == ours != "" and _mark(int(number[0])) != mark


@contextmanager
def _taken(store: Store, name: str) -> Iterator[Lease]:
    with ExitStack() as stack:
        try:
            lease = stack.enter_context(_lease(store, name))
        except LeaseHeld as held:
            if not is_dead(held.holder):
                raise
            abandon(store.objects, name, KIND, holder=held.holder)
            lease = stack.enter_context(_lease(store, name))
        yield lease


def _lease(store: Store, name: str) -> AbstractContextManager[Lease]:
    return store.lease(name, KIND, holder=myself(), seconds=SECONDS)


def _mark(process: int) -> str:
    """ "process 71 of 1234 in pid:[40]": number, start and namespace; no start of one that is gone,
    and no namespace where the system does not tell.
    """
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        started = fields.rpartition(")")[2].split()[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = f"{Path('/proc/self/ns/pid').readlink()} {boot}"
    except (OSError, IndexError):
        return f"process {process}"
    return f"process {process} of {started} in {space}"
