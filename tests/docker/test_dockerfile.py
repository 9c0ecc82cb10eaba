"""The Dockerfile: hadolint's rules, and ours about who runs what and what must not be in it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
IMAGES = ("serve", "serve-cuda", "train")
Instruction = tuple[str, str]


def instructions() -> list[Instruction]:
    """(name, rest) of each, with continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [
        (name.upper(), rest) for name, _, rest in (line.partition(" ") for line in lines) if name
    ]


def stages() -> dict[str, tuple[str, list[Instruction]]]:
    """By name: the stage or image it stands on, and its own instructions."""
    found: dict[str, tuple[str, list[Instruction]]] = {}
    own: list[Instruction] = []
    for name, rest in instructions():
        if name == "FROM":
            base, _, stage = rest.partition(" AS ")
            own = found.setdefault(stage, (base, []))[1]
        else:
            own.append((name, rest))
    return found


def of(image: str) -> dict[str, str]:
    """The last instruction of each kind along a chain of stages, as the image has it."""
    chain = []
    while image in stages():
        base, own = stages()[image]
        chain.append(own)
        image = base
    return {name: rest for own in reversed(chain) for name, rest in own}


def test_hadolint_has_nothing_to_say() -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert linter is not None
    ran = subprocess.run([linter, str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.parametrize("image", IMAGES)
def test_each_image_has_a_user_a_signal_and_a_program_without_a_shell(image: str) -> None:
    found = of(image)
    assert found["USER"] == "10001:10001"
    assert found["STOPSIGNAL"] == "SIGTERM"
    assert json.loads(found["ENTRYPOINT"]) == ["/opt/valence/bin/valence"]
    assert json.loads(found["CMD"])


@pytest.mark.parametrize("image", IMAGES)
def test_labels(image: str) -> None:
    for label in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in of(image)["LABEL"]


@pytest.mark.parametrize("image", ["serve", "serve-cuda"])
def test_what_serves_has_a_health_check_without_a_shell(image: str) -> None:
    _, _, command = of(image)["HEALTHCHECK"].partition("CMD ")
    assert json.loads(command) == ["/opt/valence/bin/python3", "-m", "service.probe"]


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_runs_nothing_as_it_is_put_together(image: str) -> None:
    """It has no shell to run it with; only its builders do."""
    base, own = stages()[image]
    while base in stages() and base != "scratch":
        own = [*own, *stages()[base][1]]
        base = stages()[base][0]
    assert base == "scratch"
    assert not {name for name, _ in own} & {"RUN", "ADD", "VOLUME"}


def test_the_base_image_is_an_argument_pinned_by_digest() -> None:
    name, default = instructions()[0]
    assert name == "ARG"
    assert re.fullmatch(r"BASE=docker\.io/library/python:3\.11\.\S+@sha256:[0-9a-f]{64}", default)
    bases = {base for base, _ in stages().values()}
    assert bases <= {"${BASE}", "scratch", *stages()}


def test_nothing_is_fetched_by_address_or_left_to_what_is_newest() -> None:
    text = DOCKERFILE.read_text()
    assert ":latest" not in text
    assert not [rest for name, rest in instructions() if name == "ADD"]
    installs = [rest for name, rest in instructions() if name == "RUN" and "pip" in rest]
    for rest in installs:
        assert "--require-hashes" in rest or "--no-index" in rest
    assert not re.search(r"\b(curl|wget|git clone)\b", text)


def test_no_secret_is_an_argument_or_a_variable() -> None:
    named = [rest for name, rest in instructions() if name in ("ARG", "ENV")]
    assert not re.search(r"(?i)password|secret|token|_key", " ".join(named))


def test_only_what_the_images_are_made_of_is_sent_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    sent = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        part
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from")
        for part in rest.split()[:-1]
    }
    for source in copied:
        assert any(source == path or source.startswith(f"{path}/") for path in sent), source
        assert (ROOT / source).exists()
