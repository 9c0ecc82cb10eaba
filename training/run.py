"""A run, from recipe to version folder. Publishing it is the caller's next step.

prepare (read, audit) -> materials -> fit (on train, choosing on dev) -> calibrate (on dev)
-> export -> score (on test) -> reference (on dev) -> pictures and card -> golden answers
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as package_version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np

from nlp.drift import REFERENCE
from nlp.golden import write_golden
from nlp.manifest import read_manifest
from nlp.model import GOLDEN, Model
from nlp.tasks.base import Example, Item
from training.calibration import Calibration, fit_temperature
from training.card import CardFacts, write_card
from training.evaluate import evaluate
from training.evaluation import Evaluation
from training.export import write_model
from training.fit import Record, fit, torch_model
from training.lexicons import describe_lexicon
from training.linear import build_linear_materials, fit_linear
from training.manifest import write_manifest
from training.materials import Materials, build_materials
from training.pictures import draw_confusion, draw_curves, draw_reliability
from training.pretrained import describe_encoder
from training.recipe import LOWER_IS_BETTER, Recipe, to_dict
from training.reference import Scorer, build_reference
from training.run_folder import RunFolder
from training.splits import Prepared, prepare, read_test
from training.tasks.table import trainable
from training.vectors import describe_vectors

CARD: Final = "card.md"
_PACKAGES: Final = (
    "valence-nlp",
    "torch",
    "transformers",
    "onnx",
    "onnxruntime",
    "tokenizers",
    "numpy",
    "scikit-learn",
)
_LEAST: Final = 1e-12

Say = Callable[[str], None]
"""Told of each stage as it begins, for people."""


@dataclass(frozen=True, slots=True)
class Result:
    """A finished run: the folder to publish, and what the version scored where."""

    folder: Path
    evaluation: Evaluation
    scored_on: str


def run_recipe(
    recipe: Recipe,
    run: RunFolder,
    *,
    device: str = "auto",
    record: Record | None = None,
    say: Say = lambda _: None,
    scorer: Scorer | None = None,
) -> Result:
    """Train, calibrate, export and score. Safe to call again on the same folder after a kill.

    scorer: a stored language model that reads some of dev, too, for the version's reference.
    """
    say("reading and auditing the data")
    prepared = prepare(recipe)
    say("training")
    materials = train_network(recipe, prepared, run, device=device, record=record)
    say("calibrating on dev")
    calibrations = calibrate(materials, prepared.splits.dev)
    say("exporting, and proving that ONNX Runtime and torch agree")
    model = _export(materials, calibrations, run)
    scored_on, examples = _held_out(recipe, prepared)
    say(f"scoring on {scored_on}")
    found = evaluate(model, examples, seed=recipe.seed)
    say("what its traffic will be compared with")
    reference = build_reference(model, prepared.splits.dev, seed=recipe.seed, scorer=scorer)
    facts = {"scored_on": scored_on, REFERENCE: reference.to_dict()}
    _complete(recipe, prepared, materials, run, calibrations, found, facts=facts)
    write_golden(model, golden_items(recipe), run.version / GOLDEN)
    return Result(run.version, found, scored_on)


def assist(recipe: Recipe, run: RunFolder, *, device: str = "auto") -> None:
    """What the other processes of a torchrun do: train along with the leader, and nothing else.

    A linear model is the leader's alone.
    """
    if recipe.features is not None:
        return
    prepared = prepare(recipe)
    materials = build_materials(recipe, prepared.splits.train)
    fit(recipe, materials, prepared.splits, run, device=device)


def train_network(
    recipe: Recipe,
    prepared: Prepared,
    run: RunFolder,
    *,
    device: str = "auto",
    record: Record | None = None,
) -> Materials:
    """The trained network and all that it goes with; nothing here looks at test."""
    materials = make_materials(recipe, prepared.splits.train)
    if recipe.features is not None:
        fit_linear(recipe, materials, prepared.splits, run, record=record)
    else:
        fit(recipe, materials, prepared.splits, run, device=device, record=record)
    return materials


def make_materials(recipe: Recipe, train: Sequence[Example]) -> Materials:
    """On the road that the recipe takes. Raises RecipeError and DataError."""
    build = build_materials if recipe.features is None else build_linear_materials
    return build(recipe, train)


def calibrate(materials: Materials, dev: Sequence[Example]) -> dict[str, Calibration]:
    """A temperature a layer, fitted on dev.

    Log-probabilities serve as logits: they differ from them by a constant a row, which the softmax
    takes out again, and a CRF's marginals have no others.
    """
    known = trainable(materials.spec.task).calibration(torch_model(materials), dev)
    return {
        layer: fit_temperature(np.log(np.maximum(probabilities, _LEAST)), gold)
        for layer, (probabilities, gold) in known.items()
    }


def golden_items(recipe: Recipe) -> list[Item]:
    """Made of our own sentences, odd ones among them."""
    texts = json.loads(files("training").joinpath("golden.json").read_text(encoding="utf-8"))
    return trainable(recipe.task).golden(texts)[: recipe.publish.golden]


def _export(materials: Materials, calibrations: Mapping[str, Calibration], run: RunFolder) -> Model:
    temperatures = {layer: found.temperature for layer, found in calibrations.items()}
    manifest = materials.spec.calibrated(temperatures).to_manifest()
    return write_model(
        materials.network,
        manifest,
        vocabulary=materials.vocabulary,
        folder=run.version,
        extractor=materials.spec.extractor,
    )


def _held_out(recipe: Recipe, prepared: Prepared) -> tuple[str, Sequence[Example]]:
    """Test where the recipe names it; else dev, and the card says so."""
    return ("test", read_test(recipe)) if recipe.data.test else ("dev", prepared.splits.dev)


def _complete(
    recipe: Recipe,
    prepared: Prepared,
    materials: Materials,
    run: RunFolder,
    calibrations: Mapping[str, Calibration],
    found: Evaluation,
    *,
    facts: Mapping[str, Any],
) -> None:
    """Write facts, scores and origins into the manifest, draw the pictures, write the card."""
    facts = {
        **facts,
        "recipe": to_dict(recipe),
        "data": {
            **prepared.to_dict(),
            "vectors": _vectors(recipe),
            "lexicon": _lexicon(recipe),
            "encoder": _encoder(recipe),
        },
        "scores": found.to_dict(),
        "parameters": sum(p.numel() for p in materials.network.parameters()),
        "packages": {name: package_version(name) for name in _PACKAGES},
    }
    manifest = {**read_manifest(run.version), **facts}
    manifest["calibration"]["dev"] = {k: _calibration(v) for k, v in calibrations.items()}
    write_manifest(manifest, run.version)
    pictures = _draw(recipe, run, calibrations, found)
    card = write_card(_card_facts(recipe, manifest, calibrations, pictures))
    for folder in (run.version, run.path):
        (folder / CARD).write_text(card, encoding="utf-8")


def _vectors(recipe: Recipe) -> dict[str, str] | None:
    return describe_vectors(recipe.text.vectors) if recipe.text.vectors else None


def _encoder(recipe: Recipe) -> dict[str, str] | None:
    return describe_encoder(recipe.text.encoder) if recipe.text.encoder else None


def _lexicon(recipe: Recipe) -> dict[str, Any] | None:
    if recipe.features is None or not recipe.features.lecture:
        return None
    return describe_lexicon(recipe.features.lexicon)


def _calibration(found: Calibration) -> dict[str, float]:
    ece = {"ece_before": found.before.ece, "ece_after": found.after.ece}
    return {"temperature": found.temperature, "items": found.items, **ece}


def _draw(
    recipe: Recipe, run: RunFolder, calibrations: Mapping[str, Calibration], found: Evaluation
) -> dict[str, str]:
    """Pictures beside the card in the run folder: file name by title."""
    score, lower = f"dev_{recipe.training.metric}", recipe.training.metric in LOWER_IS_BETTER
    pictures: dict[str, str] = {}
    if any("epoch" in row for row in run.metrics()):
        draw_curves(run.metrics(), run.path / "curves.png", score=score, lower=lower)
        pictures["Loss and dev score"] = "curves.png"
    for layer in found.layers:
        draw_confusion(found.layers[layer], run.path / f"confusion-{layer}.png")
        pictures[f"Confusion, {layer}"] = f"confusion-{layer}.png"
    for layer, calibration in calibrations.items():
        draw_reliability(calibration, run.path / f"reliability-{layer}.png")
        pictures[f"Reliability, {layer}"] = f"reliability-{layer}.png"
    return pictures


def _card_facts(
    recipe: Recipe,
    manifest: Mapping[str, Any],
    calibrations: Mapping[str, Calibration],
    pictures: Mapping[str, str],
) -> CardFacts:
    return CardFacts(
        name=recipe.name,
        task=recipe.task,
        description=recipe.description,
        architecture=manifest["architecture"],
        parameters=manifest["parameters"],
        sizes=manifest["sizes"],
        labels=manifest["layers"],
        data=manifest["data"],
        scored_on=manifest["scored_on"],
        scores=manifest["scores"]["layers"],
        measures=manifest["scores"].get("measures", {}),
        slices=manifest["scores"]["slices"],
        calibration={layer: found.to_dict() for layer, found in calibrations.items()},
        pictures=pictures,
        command="valence train RECIPE, with the recipe below",
        recipe=manifest["recipe"],
        packages=manifest["packages"],
    )
