"""What a listing alone says about models: which numbers exist and which gc has retired."""

from __future__ import annotations

from dataclasses import dataclass, field

from model_store.errors import InvalidName
from model_store.names import (
    MODELS,
    check_name,
    number_of,
    retired_number_of,
    versions_prefix,
)
from model_store.objects import Objects, Stored


@dataclass(frozen=True, slots=True)
class Shelf:
    """The manifests and the retirement markers of one model, by version number."""

    versions: dict[int, Stored] = field(default_factory=dict)
    retired: dict[int, Stored] = field(default_factory=dict)

    def add(self, stored: Stored) -> None:
        """Sort one object in; an object that is neither kind is ignored."""
        if (number := number_of(stored.key)) is not None:
            self.versions[number] = stored
        elif (number := retired_number_of(stored.key)) is not None:
            self.retired[number] = stored


def read_shelf(objects: Objects, name: str) -> Shelf:
    """The shelf of one model, empty where the store never held it."""
    shelf = Shelf()
    for stored in objects.list(versions_prefix(name)):
        if stored.key.rpartition("/")[0] == versions_prefix(name):
            shelf.add(stored)
    return shelf


def read_shelves(objects: Objects) -> dict[str, Shelf]:
    """The shelf of every model that has one, from one listing."""
    shelves: dict[str, Shelf] = {}
    for stored in objects.list(MODELS):
        folder = stored.key.rpartition("/")[0]
        name = folder.removeprefix(f"{MODELS}/").removesuffix("/versions")
        if folder == versions_prefix(name) and _is_name(name):
            shelves.setdefault(name, Shelf()).add(stored)
    return shelves


def _is_name(text: str) -> bool:
    try:
        return bool(check_name(text))
    except InvalidName:
        return False
