"""Every VALENCE_ variable that a file under docker/ names is one that the program reads."""

import re
from pathlib import Path

import pytest

from service.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"\bVALENCE_[A-Z0-9_]+")
READ = re.compile(r"os\.environ\.get\(\"(VALENCE_[A-Z0-9_]+)\"")
TEXTS = (".yaml", ".yml", ".md", ".sh", ".py", ".example", ".json", "")


def read_by_the_program() -> set[str]:
    """The settings of the service, what the packages name themselves, and what examples read."""
    names = {f"{ENV_PREFIX}{field.upper()}" for field in Settings.model_fields}
    for room in ("nlp", "model_store", "service", "training"):
        for path in (ROOT / room).rglob("*.py"):
            names |= set(NAMED.findall(path.read_text(encoding="utf-8")))
    for path in (ROOT / "docker").rglob("*.py"):
        names |= set(READ.findall(path.read_text(encoding="utf-8")))
    return names


FILES = sorted(
    path
    for path in (ROOT / "docker").rglob("*")
    if path.is_file() and path.suffix in TEXTS and "__pycache__" not in path.parts
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_names_a_variable_that_nobody_reads(path: Path) -> None:
    assert set(NAMED.findall(path.read_text(encoding="utf-8"))) <= read_by_the_program()


def test_the_files_name_some() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in FILES)
    assert {"VALENCE_STORE", "VALENCE_FEEDBACK", "VALENCE_DRAIN_SECONDS"} <= set(
        NAMED.findall(texts)
    )
