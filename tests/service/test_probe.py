"""The health check: what it asks, and what it says of services that answer and that do not."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from service.probe import main, probe

STATUSES = {"/readyz": 200, "/healthz": 200, "/broken": 503}


class Answering(BaseHTTPRequestHandler):
    """Answers each path with its status."""

    def do_GET(self) -> None:
        self.send_response(STATUSES[self.path])
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server that answers as STATUSES says."""
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def test_two_hundred_is_well_and_anything_else_is_not(port: int) -> None:
    assert probe(port, "/readyz") == ""
    assert probe(port, "/broken") == "/broken answers 503"


def test_nobody_there(closed_port: int) -> None:
    assert "does not answer" in probe(closed_port, "/readyz")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [([], 0), (["/healthz"], 0), (["/broken"], 1), (["healthz"], 2), (["/a", "/b"], 2)],
)
def test_the_exit_status(
    port: int, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int
) -> None:
    monkeypatch.setenv("VALENCE_PORT", str(port))
    assert main(arguments) == status


@pytest.mark.parametrize("wait", [lambda connection: connection.close(), lambda _: None])
def test_a_service_that_takes_the_connection_and_says_nothing(
    wait: Callable[[socket.socket], object],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found: list[str] = []
        asking = threading.Thread(target=lambda: found.append(probe(port, "/", seconds=0.1)))
        asking.start()
        connection, _ = server.accept()
        with connection:
            wait(connection)
            asking.join()
    assert "does not answer" in found[0]


def test_as_a_program_it_loads_nothing_of_the_service(port: int) -> None:
    code = (
        "import runpy, sys\n"
        "try: runpy.run_module('service.probe', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'fastapi', 'uvicorn', 'numpy', 'pydantic'} & set(sys.modules)"
    )
    root = Path(__file__).parents[2]
    variables = {"VALENCE_PORT": str(port)}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=root, env=variables, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
