"""A file of texts against a stored version's reference: what the service does, done once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from model_store import Store, StoreError, open_store
from nlp.drift import REFERENCE, Reference, Shift, compare, estimated_accuracy
from nlp.model import Model
from nlp.sketches import PERPLEXITY, Look, Sketch, brief
from nlp.tasks.base import Item
from training.datasets import load_unlabelled
from training.errors import DataError
from training.recipe import Source
from training.reference import SCORED_ITEMS

BATCH_ITEMS: Final = 1000
"""So many are held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Texts as a version met them."""

    version: str
    reference: Reference
    sketch: Sketch

    @property
    def shifts(self) -> dict[str, Shift]:
        return compare(self.reference.sketch, self.sketch)

    @property
    def estimated(self) -> float | None:
        return estimated_accuracy(self.reference, self.sketch)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; no text."""
        return {
            "version": self.version,
            "items": self.sketch.items,
            "shifts": {
                feature: {"psi": shift.psi, "ks": shift.ks, "items": shift.items}
                for feature, shift in self.shifts.items()
            },
            "reference_accuracy": self.reference.accuracy,
            "estimated_accuracy": self.estimated,
        }


def meet(url: str, reference: str, source: Source) -> Traffic:
    """Malformed lines of a file are passed over.

    Raises StoreError, ModelError, and DataError for an unreadable source, one without a text, and
    a version without a reference.
    """
    store = open_store(url, create=False)
    version = store.resolve(reference)
    model = _model(store, version.name, version.number)
    if REFERENCE not in model.manifest:
        raise DataError(
            f"{version.reference} has no reference: it was trained before there were any"
        )
    known = Reference.from_dict(model.manifest[REFERENCE])
    items = [example.item for example in load_unlabelled(source)]
    if not items:
        raise DataError("there is no text that can be read")
    sketch = _sketch(model, known, items)
    _score(store, known, items, sketch)
    return Traffic(version.reference, known, sketch)


def _model(store: Store, name: str, number: int) -> Model:
    with TemporaryDirectory() as cache:
        return Model.load(store.materialise(name, number, Path(cache)))


def _sketch(model: Model, known: Reference, items: Sequence[Item]) -> Sketch:
    look = Look.of(model.manifest, 1.0 if known.threshold is None else known.threshold)
    sketch = Sketch()
    for start in range(0, len(items), BATCH_ITEMS):
        for encoded, rows in model.read(items[start : start + BATCH_ITEMS]):
            sketch.add(look.see(encoded, model.decode(encoded, rows).to_dict()))
    return sketch


def _score(store: Store, known: Reference, items: Iterable[Item], sketch: Sketch) -> None:
    """Perplexities, where the store has the very language model of the reference."""
    wanted = known.language_model
    if wanted is None:
        return
    try:
        version = store.resolve(f"{wanted['name']}@{wanted['version']}")
    except StoreError:
        return
    if version.digest != wanted["digest"]:
        return
    model = _model(store, version.name, version.number)
    for answer in model.answer([item for item in items if brief(item)][:SCORED_ITEMS]):
        sketch.count(PERPLEXITY, answer.to_dict()["perplexity"])
