"""What help and documents say can be chosen is what can be chosen."""

import inspect
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from nlp.networks.attention import SCORES
from nlp.networks.embeddings import CHANNELS
from nlp.networks.pooling import POOLINGS
from nlp.networks.recurrent import CELLS
from nlp.networks.table import NETWORKS
from training.choices import ARCHITECTURES, CHOICES, markdown
from training.recipe import TaskName
from valence import app

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"
TABLES = {
    "network.sizes.channels": CHANNELS,
    "network.sizes.cell": tuple(CELLS),
    "network.sizes.pooling": tuple(POOLINGS),
    "network.sizes.score": tuple(SCORES),
}


def test_every_architecture_is_named_with_its_tasks() -> None:
    assert sorted(name for name, _, _ in ARCHITECTURES) == sorted(NETWORKS)
    tasks = {task for _, named, _ in ARCHITECTURES for task in named.split(", ")}
    assert tasks == set(get_args(TaskName))


@pytest.mark.parametrize("key", TABLES)
def test_values_are_those_of_the_code(key: str) -> None:
    (choice,) = [choice for choice in CHOICES if choice.key == key]
    assert choice.values == TABLES[key]


def test_a_size_that_can_be_chosen_is_one_of_a_network() -> None:
    sizes = {
        name for network in NETWORKS.values() for name in inspect.signature(network).parameters
    }
    named = {c.key.split(".")[-1] for c in CHOICES if c.key.startswith("network.sizes.")}
    assert named <= sizes


def test_the_document_holds_the_tables_as_they_are() -> None:
    assert markdown() in DOCUMENT.read_text("utf-8")


def test_help_names_every_choice() -> None:
    said = "".join(CliRunner().invoke(app, ["train", "--help"]).output.split())
    for name, _, _ in ARCHITECTURES:
        assert name in said
    for choice in CHOICES:
        assert choice.key in said
