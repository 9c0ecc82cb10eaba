"""Who may import whom: the table of the architecture, read from every file's syntax tree.

Imports inside functions count like any other, for they run one day; the few that a rule lets pass
are named in LATE. Imports under `if TYPE_CHECKING:` count too: a type of another room ties the two
rooms together as firmly as a call does. The last tests start fresh processes and look at what is
loaded after real answers.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from imports import Import, imports_of, module_name

from model_store import open_store
from nlp.golden import write_golden
from nlp.model import GOLDEN, Model

ROOT = Path(__file__).parents[1]
ROOMS = ("nlp", "model_store", "training", "service")

LEARNING = (
    *("torch", "transformers", "accelerate", "safetensors", "onnx", "onnxscript", "tensorboard"),
    *("sklearn", "scipy", "matplotlib", "gensim"),
)
WEB = ("fastapi", "starlette", "uvicorn", "prometheus_client")
DATABASE = ("sqlalchemy", "alembic", "psycopg")
CLIENTS = ("obstore", "cryptography")
EXPORT = ("google",)  # protobuf, which OpenTelemetry's exporter needs; FastAPI loads its API
NETWORKS = ("nlp.networks", "nlp.runtimes.torch")


@dataclass(frozen=True, slots=True)
class Rule:
    """Modules under `room`, but not under `apart`, never import anything under `never`."""

    room: str
    never: tuple[str, ...]
    apart: tuple[str, ...] = ()

    def holds_for(self, module: str) -> bool:
        return under(module, [self.room]) and not under(module, self.apart)


RULES = (
    Rule("nlp", ("model_store", "training", "service", *WEB, *DATABASE)),
    Rule("nlp", (*LEARNING, *NETWORKS), apart=NETWORKS),
    Rule("nlp", ("spacy", "thinc"), apart=("nlp.spacy_words",)),
    Rule("model_store", ("nlp", "training", "service", *WEB, *LEARNING, "spacy")),
    Rule("model_store", DATABASE, apart=("model_store.feedback",)),
    Rule("training", ("service", *WEB, *DATABASE)),
    Rule("service", ("training", *LEARNING, *NETWORKS, *DATABASE, "spacy")),
    Rule("service", ("opentelemetry",), apart=("service.otlp",)),
)

LATE = {
    ("nlp.model", "nlp.runtimes.torch"): "the torch runtime, where a device asks for it",
    ("nlp.model", "nlp.runtimes.torch.TorchRuntime"): "the same import",
}
"""Imports that a rule forbids and that may stand inside a function, nowhere else."""


def under(module: str, prefixes: Iterable[str]) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def all_imports() -> list[Import]:
    """Of the four packages and of the command line that mounts them."""
    found = []
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    for path in sorted([*files, ROOT / "valence.py"]):
        package = path.name == "__init__.py"
        source = path.read_text(encoding="utf-8")
        found += imports_of(source, module_name(path, ROOT), package=package)
    return found


IMPORTS = all_imports()


def breaks(entry: Import, rule: Rule) -> bool:
    allowed = entry.late and (entry.module, entry.target) in LATE
    return rule.holds_for(entry.module) and under(entry.target, rule.never) and not allowed


# -- the table -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.room} never {rule.never[0]}")
def test_no_import_breaks_the_table(rule: Rule) -> None:
    broken = [f"{e.module}:{e.line} imports {e.target}" for e in IMPORTS if breaks(e, rule)]
    assert not broken


def test_every_room_is_read_and_ruled() -> None:
    modules = {entry.module for entry in IMPORTS}
    assert {module.split(".")[0] for module in modules} == {*ROOMS, "valence"}
    assert {rule.room for rule in RULES} == set(ROOMS)
    assert {"nlp.model", "nlp.golden", "nlp.runtimes.onnx", "nlp.networks.table"} <= modules


def test_no_module_is_imported_by_a_name_made_at_run_time() -> None:
    assert not [f"{entry.module}:{entry.line}" for entry in IMPORTS if entry.target == "?"]


def test_every_exception_is_still_needed() -> None:
    late = {(entry.module, entry.target) for entry in IMPORTS if entry.late}
    assert set(LATE) <= late


def reached_from(modules: set[str]) -> set[str]:
    """All that is loaded with these modules, over any chain of imports that run at once."""
    runs = [entry for entry in IMPORTS if not entry.late and not entry.typing]
    reached = fresh = modules
    while fresh:
        fresh = {entry.target for entry in runs if entry.module in fresh} - reached
        reached = reached | fresh
    return reached


def test_serving_reaches_no_torch_at_import() -> None:
    own = {entry.module for entry in IMPORTS}
    light = {module for module in own if under(module, ("service", "model_store", "nlp"))}
    reached = reached_from({module for module in light if not under(module, NETWORKS)})
    assert not {target for target in reached if under(target, (*LEARNING, *NETWORKS, "training"))}


def test_the_command_line_starts_with_neither_torch_nor_the_web() -> None:
    reached = reached_from({"valence"})
    assert "training.commands" in reached
    heavy = (*LEARNING, *WEB, *DATABASE, *CLIENTS)
    assert not {target for target in reached if under(target, heavy)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch.nn as nn", [("torch.nn", False, False)]),
        ("import a, b.c", [("a", False, False), ("b.c", False, False)]),
        ("from a.b import c as d", [("a.b", False, False), ("a.b.c", False, False)]),
        ("from . import b", [("nlp.tasks", False, False), ("nlp.tasks.b", False, False)]),
        ("from .b import c", [("nlp.tasks.b", False, False), ("nlp.tasks.b.c", False, False)]),
        ("from ..b import c", [("nlp.b", False, False), ("nlp.b.c", False, False)]),
        ("def f():\n try:\n  import a\n finally: pass", [("a", True, False)]),
        ("class A:\n async def f(self):\n  import a", [("a", True, False)]),
        ("class A:\n import a", [("a", False, False)]),
        ("if TYPE_CHECKING:\n import a", [("a", False, True)]),
        ("if typing.TYPE_CHECKING:\n import a", [("a", False, True)]),
        ("if not TYPE_CHECKING:\n import a", [("a", False, False)]),
        ("if TYPE_CHECKING:\n pass\nelse:\n import a", [("a", False, False)]),
        ("try:\n import a\nexcept ImportError:\n a = None", [("a", False, False)]),
        ("x = importlib.import_module('a.b')", [("a.b", False, False)]),
        ("def f():\n return __import__(name)", [("?", True, False)]),
        ("import_module('.b')", [("nlp.tasks.b", False, False)]),
    ],
)  # fmt: skip
def test_no_form_of_import_is_overlooked(
    source: str, expected: list[tuple[str, bool, bool]]
) -> None:
    found = imports_of(source, "nlp.tasks.here")
    assert [(entry.target, entry.late, entry.typing) for entry in found] == expected


def test_a_package_counts_relative_imports_from_itself() -> None:
    (base, name) = imports_of("from .b import c", "nlp.tasks", package=True)
    assert (base.target, name.target) == ("nlp.tasks.b", "nlp.tasks.b.c")


@pytest.mark.parametrize(
    ("module", "target", "late", "broken"),
    [
        ("nlp.model", "nlp.runtimes.torch", True, False),
        ("nlp.model", "nlp.runtimes.torch", False, True),
        ("nlp.golden", "nlp.runtimes.torch", True, True),
        ("nlp.runtimes.onnx", "torch", True, True),
        ("nlp.brand_new", "transformers", False, True),
        ("nlp.networks.textcnn", "torch.nn", False, False),
        ("nlp.networks.textcnn", "training.loop", False, True),
        ("model_store.store", "nlp.text", True, True),
        ("model_store.store", "nlpx", False, False),
        ("training.run", "service.settings", True, True),
        ("training.run", "torch", False, False),
        ("service.worker", "nlp.networks.table", True, True),
        ("service.worker", "training", False, True),
        ("service.worker", "nlp.model", False, False),
    ],
)
def test_the_rules_say_what_the_table_says(
    module: str, target: str, late: bool, broken: bool
) -> None:
    entry = Import(module, target, 1, late=late)
    assert any(breaks(entry, rule) for rule in RULES) == broken


def test_the_feedback_package_starts_without_a_database_library() -> None:
    reached = reached_from({"model_store.feedback", "service.app"})
    assert not {target for target in reached if under(target, DATABASE)}


# -- fresh processes -----------------------------------------------------------------------------

LOADED = "print(json.dumps(sorted(sys.modules)))"

ANSWERING = f"""
import json, sys
from pathlib import Path
from nlp.model import Model
for folder, item in zip(sys.argv[1:], ("A warm, funny film.", ["Rome", "is", "lovely"])):
    (answer,) = Model.load(Path(folder)).answer([item])
    assert answer.to_dict()
{LOADED}
"""

SPLITTING = f"""
import json, sys
from nlp.text import splitter
assert splitter("spacy")("He didn't.").words == ("He", "did", "n't", ".")
{LOADED}
"""

SERVING = f"""
import asyncio, json, sys
import httpx
from service.app import Service
from service.settings import Settings

async def main():
    service = Service(Settings(store=sys.argv[1], cache_folder=sys.argv[2]))
    transport = httpx.ASGITransport(service)
    async with service.running():
        assert await service.ready(seconds=60)
        async with httpx.AsyncClient(transport=transport, base_url="http://valence") as client:
            for path in ("sentiment", "tags"):
                answer = await client.post(f"/v1/{{path}}", json={{"texts": ["Rome is lovely."]}})
                assert answer.status_code == 200, answer.text

asyncio.run(main())
{LOADED}
"""


def loaded_after(script: str, *arguments: object) -> set[str]:
    """Top-level names of the modules that a fresh process has loaded in the end."""
    ran = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("VALENCE_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    modules: list[str] = json.loads(ran.stdout.splitlines()[-1])
    return {module.split(".")[0] for module in modules}


@pytest.fixture(scope="module")
def folders(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The small models of both tasks, with golden answers, by name."""
    root, store = tmp_path_factory.mktemp("layers"), open_store(tiny_store)
    items: dict[str, list[Any]] = {"sentiment": ["A clever book."], "tags": [["Rome", "!"]]}
    for name, golden in items.items():
        folder = store.export(name, 1, root / name)
        write_golden(Model.load(folder), golden, folder / GOLDEN)
    return {name: root / name for name in items}


def test_nlp_answers_without_torch(folders: dict[str, Path]) -> None:
    loaded = loaded_after(ANSWERING, *folders.values())
    assert "onnxruntime" in loaded
    assert not loaded & {*LEARNING, *WEB, "spacy", "thinc", "model_store"}


@pytest.mark.skipif(find_spec("spacy") is None, reason="spaCy is not installed")
def test_spacys_words_leave_torch_unloaded() -> None:
    loaded = loaded_after(SPLITTING)
    assert "spacy" in loaded
    assert not loaded & {"torch", "transformers", "tensorflow", "cupy"}


def test_the_command_line_and_the_service_load_no_database_library() -> None:
    script = f"import json, sys, valence, service.app, model_store.feedback\n{LOADED}"
    assert not loaded_after(script) & set(DATABASE)


def test_the_service_answers_without_torch(folders: dict[str, Path], tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    for name, folder in folders.items():
        store.publish(name, folder)
        store.promote(name, 1, actor="tests", reason="fixture")
    loaded = loaded_after(SERVING, store.url, tmp_path / "cache")
    assert {"fastapi", "onnxruntime"} <= loaded
    assert not loaded & {*LEARNING, *DATABASE, "spacy", "thinc", "training", *EXPORT}
