"""The images, really built from docker/Dockerfile and really run. `make test-docker`."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import image as builder
import pytest
from containers import HOME, USER, ask_image, given, podman, python, run_once, running
from tiny_runs import sentiment_recipe

pytestmark = pytest.mark.docker

BASE = os.environ.get("VALENCE_TEST_BASE", "localhost/valence-base:bookworm")
SERVE_LIMIT_BYTES = 450_000_000
SBOM = "/usr/share/valence/sbom.cdx.json"
PROBE = ("/opt/valence/bin/python3", "-m", "service.probe")
TEXTS = ("A warm, funny film.", "The soup was stale.")
CLIENTS = 4
PATIENCE_SECONDS = 120.0


@pytest.fixture(scope="session")
def serve() -> str:
    """The serve image, built."""
    return _built("serve")


@pytest.fixture(scope="session")
def train() -> str:
    """The train image, built."""
    return _built("train")


def _built(target: str) -> str:
    tag, started = f"localhost/valence:{target}", time.monotonic()
    builder.build(target, tag=tag, base=BASE)
    size = _size(tag) / 1e6
    print(f"\n{tag}: {size:,.0f} MB unpacked, built in {time.monotonic() - started:.0f} s")
    return tag


def _size(tag: str) -> int:
    return int(podman("image", "inspect", "--format", "{{.Size}}", tag))


@dataclass(frozen=True, slots=True)
class Served:
    """A running container of the serve image."""

    name: str
    url: str
    home: Path


@contextmanager
def service(image: str, home: Path, **variables: object) -> Iterator[Served]:
    """The image serving on a free port, ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"VALENCE_PORT": port, "VALENCE_POLL_INTERVAL_SECONDS": 0.2, **variables}
    with running(image, home=home, variables=settings) as name:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _ready(url))
        yield Served(name, url, home)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "nothing happened for two minutes"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def served(serve: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One container with the starter models."""
    home = given(tmp_path_factory.mktemp("served") / "home")
    with service(serve, home) as container:
        yield container


def sentiment(url: str) -> dict[str, Any]:
    answer = httpx.post(f"{url}/v1/sentiment", json={"texts": TEXTS}, timeout=PATIENCE_SECONDS)
    assert answer.status_code == httpx.codes.OK, answer.text
    document: dict[str, Any] = answer.json()
    return document


# -- what is in it ---------------------------------------------------------------------------------


def test_the_image_for_cpus_stays_small(serve: str) -> None:
    assert _size(serve) <= SERVE_LIMIT_BYTES


def test_no_torch_no_installer_no_shell_no_foreign_rights(serve: str) -> None:
    looks = """
import importlib.util as u, json, os, shutil, sys
names = ("torch", "transformers", "pip", "setuptools", "wheel", "boto3")
tools = ("sh", "bash", "apt-get", "dpkg", "perl", "curl", "tar", "su")
set_id = [os.path.join(f, n) for f, _, ns in os.walk("/usr") for n in ns
          if os.lstat(os.path.join(f, n)).st_mode & 0o6000]
secret = [p for p in ("/etc/pip.conf", "/run/secrets/ca.pem") if os.path.exists(p)]
print(json.dumps([[n for n in names if u.find_spec(n)], [t for t in tools if shutil.which(t)],
                  set_id, secret]))
"""
    assert json.loads(ask_image(serve, looks)) == [[], [], [], []]


def test_bytecode_is_there_for_every_module_that_a_start_loads(serve: str) -> None:
    looks = (
        "import os, sys, valence, service.server, onnxruntime\n"
        "print([m.__file__ for m in sys.modules.values() if (m.__dict__.get('__cached__') or '')"
        ".endswith('.pyc') and not os.path.exists(m.__cached__)])"
    )
    assert ask_image(serve, looks) == "[]"


def test_the_bill_of_materials_names_what_is_installed(serve: str) -> None:
    document = json.loads(ask_image(serve, f"print(open({SBOM!r}).read())"))
    listed = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    installed = {_plain(name) for name in ask_image(serve, listed).split()}
    named = {component["purl"] for component in document["components"] if "purl" in component}
    python_names = {_plain(purl.split("/")[1].split("@")[0]) for purl in named if "pypi" in purl}
    assert document["bomFormat"] == "CycloneDX"
    assert installed - {"valence-nlp"} == python_names - {"valence-nlp"}
    assert "valence-nlp" in {component["name"] for component in document["components"]}
    assert any(purl.startswith("pkg:deb/debian/libc6@") for purl in named)
    assert not any(purl.startswith("pkg:deb/debian/bash@") for purl in named)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_labels_user_health_check_and_no_secret_in_the_history(serve: str) -> None:
    (document,) = json.loads(podman("image", "inspect", serve))
    labels, config = document["Labels"], document["Config"]
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.revision"] == builder.revision()
    assert document["User"] == f"{USER}:{USER}"
    assert config["StopSignal"] == "SIGTERM"
    assert document["Healthcheck"]["Test"] == ["CMD", *PROBE]
    assert "find-links" not in podman("history", "--no-trunc", serve)


# -- what it does ----------------------------------------------------------------------------------


def test_it_answers_as_an_ordinary_user_on_a_root_that_cannot_be_written(served: Served) -> None:
    labels = [result["label"] for result in sentiment(served.url)["results"]]
    assert labels == ["positive", "negative"]
    assert python(served.name, "import os; print(os.getuid(), os.getgid())") == f"{USER} {USER}"
    for place in ("/written", "/opt/valence/written", "/usr/written"):
        write = f"try: open({place!r}, 'w')\nexcept OSError as error: print(error.errno)"
        assert python(served.name, write) == "30"  # EROFS


def test_its_health_check_says_healthy(served: Served) -> None:
    assert podman("healthcheck", "run", served.name).strip() in ("", "healthy")


def test_a_version_promoted_in_the_mounted_store_is_served_without_a_restart(
    serve: str, served: Served
) -> None:
    assert sentiment(served.url)["model"]["version"] == 1
    again = f"{HOME}/again"
    run_once(serve, "models", "export", "sentiment@1", again, home=served.home)
    assert "sentiment@2" in run_once(serve, "models", "publish", again, home=served.home)
    run_once(serve, "models", "promote", "sentiment@2", "--reason", "again", home=served.home)
    until(lambda: sentiment(served.url)["model"]["version"] == 2)
    run_once(serve, "models", "rollback", "sentiment", home=served.home)
    until(lambda: sentiment(served.url)["model"]["version"] == 1)


def test_feedback_finds_its_database_and_keeps_what_it_is_told(served: Served) -> None:
    asked = {"text": TEXTS[0], "receipts": True}
    answer = httpx.post(f"{served.url}/v1/sentiment", json=asked, timeout=PATIENCE_SECONDS)
    (result,) = answer.json()["results"]
    item = {"id": result["id"], "receipt": result["receipt"], "label": "positive"}
    judged = httpx.post(f"{served.url}/v1/feedback", json={"items": [item]})
    assert judged.json()["results"][0]["outcome"] == "accepted"
    assert (served.home / "feedback.sqlite3").stat().st_uid == USER


@pytest.fixture
def bucket() -> Iterator[dict[str, object]]:
    """The variables of a store in a bucket of an S3 API server on this machine."""
    program = Path(__file__).parents[1] / "model_store" / "s3_server.py"
    with subprocess.Popen(
        [sys.executable, program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        httpx.put(f"{url}/kept").raise_for_status()
        yield {
            "VALENCE_STORE": "s3://kept/store",
            "AWS_ENDPOINT_URL": url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
        }
        server.communicate()


def test_it_serves_from_a_bucket_that_it_was_told_to_fill(
    serve: str, bucket: dict[str, object], tmp_path: Path
) -> None:
    home = given(tmp_path / "home")
    assert "sentiment@1" in run_once(serve, "models", "seed", home=home, variables=bucket)
    with service(serve, home, **bucket) as container:
        assert sentiment(container.url)["model"]["name"] == "sentiment"


@dataclass(slots=True)
class Load:
    """Clients that ask without a pause until an answer says that the service goes away.

    That is how a load balancer behaves: what it opens after that, it opens elsewhere.
    """

    url: str
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self) -> None:
        with httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS) as client:
            while self._ask(client):
                pass

    def _ask(self, client: httpx.Client) -> bool:
        """Whether to go on."""
        try:
            answer = client.post("/v1/sentiment", json={"texts": TEXTS})
        except httpx.HTTPError as error:
            self.lost.append(repr(error))
            return False
        if answer.status_code != httpx.codes.OK:
            self.lost.append(answer.text)
        with self.lock:
            self.answered += 1
        return bool(answer.headers.get("connection") != "close")


def test_sigterm_under_load_loses_nothing(serve: str, tmp_path: Path) -> None:
    home = given(tmp_path / "home")
    with service(serve, home, VALENCE_SHUTDOWN_DELAY_SECONDS=1) as container:
        load = Load(container.url)
        clients = [threading.Thread(target=load.client) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        until(lambda: load.answered > 20 * CLIENTS)
        podman("stop", "--time", "60", container.name)
        for client in clients:
            client.join(PATIENCE_SECONDS)
        code = podman("inspect", "--format", "{{.State.ExitCode}}", container.name)
    assert load.lost == []
    assert int(code) == os.EX_OK
    print(f"{load.answered} requests answered, none lost")


def test_the_train_image_trains_and_publishes_what_the_service_then_serves(
    train: str, served: Served, tmp_path: Path
) -> None:
    folder = tmp_path / "recipe"
    folder.mkdir()
    recipe = sentiment_recipe(folder, name="tickets")
    for path in (tmp_path, folder):
        path.chmod(0o755)
    arguments = ("train", recipe, "--set", "training.epochs=2", "--device", "cpu")
    said = run_once(train, *arguments, "--promote", home=served.home, mounts=(folder,))
    assert "published tickets@1" in said
    asked = {"texts": TEXTS, "model": "tickets@1"}
    answer = httpx.post(f"{served.url}/v1/sentiment", json=asked, timeout=PATIENCE_SECONDS)
    assert answer.status_code == httpx.codes.OK, answer.text
    assert answer.json()["model"]["name"] == "tickets"
    assert {result["label"] for result in answer.json()["results"]} <= {"positive", "negative"}


def test_the_train_image_holds_torch_for_cpus_and_its_bill(train: str) -> None:
    version = ask_image(train, "import torch; print(torch.__version__, torch.version.cuda)")
    assert version.split() == ["2.13.0+cpu", "None"]
    document = json.loads(ask_image(train, f"print(open({SBOM!r}).read())"))
    assert {"torch", "transformers"} <= {part["name"] for part in document["components"]}


def test_the_script_that_builds_says_what_it_takes() -> None:
    script = builder.ROOT / "docker" / "scripts" / "image.py"
    ran = subprocess.run(
        [sys.executable, script, "nothing"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "serve-cuda" in ran.stderr
