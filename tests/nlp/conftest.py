"""Exported models for this folder's tests, which must leave them as they are."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from nlp.model import Model

Export = Callable[..., tuple[Model, Path]]


@pytest.fixture(scope="session")
def export(make_model: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Export:
    """A function (task, architecture, **sizes) -> (the model as it serves, its folder)."""

    @cache
    def build(task: str, architecture: str, **sizes: object) -> tuple[Model, Path]:
        folder = tmp_path_factory.mktemp(architecture)
        return make_model(task, folder, architecture=architecture, **sizes), folder

    return build
