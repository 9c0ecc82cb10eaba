"""A PostgreSQL of the tests' own, from Debian's package, on a free port of this machine."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSIONS = Path("/usr/lib/postgresql")


def binaries() -> Path | None:
    """The folder with `initdb` and `postgres` of the newest version, None where there is none."""
    found = sorted(VERSIONS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def postgres(programs: Path) -> Iterator["Server"]:
    """A server with an empty disk; it refuses to run as root, so root starts it as `postgres`."""
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="valence-pg-") as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, user)
        server = Server(programs, folder, _free_port(), user)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()


class Server:
    """`start` and `stop` may be called again and again."""

    def __init__(self, programs: Path, folder: Path, port: int, user: str | None) -> None:
        self._programs = programs
        self._folder = folder
        self._port = port
        self._user = user

    def make(self) -> None:
        self._run("initdb", "--auth=trust", "--username=valence", "--encoding=UTF8", "--no-sync")

    def start(self) -> None:
        options = f"-p {self._port} -h 127.0.0.1 -k {self._folder} -F"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "--wait", f"--options={options}", f"--log={log}")

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--wait", "--mode=fast")

    def database(self, name: str) -> str:
        """The URL of a new, empty database."""
        command = ["createdb", "--host=127.0.0.1", f"--port={self._port}", "-U", "valence", name]
        self._call([str(self._programs / command[0]), *command[1:]])
        return f"postgresql+psycopg://valence@127.0.0.1:{self._port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        data = f"--pgdata={self._folder / 'data'}"
        self._call([str(self._programs / program), data, *arguments])

    def _call(self, command: list[str]) -> None:
        """Output goes to a file: a server that was started keeps a pipe open for ever."""
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                command, cwd=self._folder, user=self._user, stdout=said, stderr=said, check=False
            )
            said.seek(0)
            assert done.returncode == 0, said.read().decode()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
