"""Linear models with features: made and fitted in seconds, then on the road of all the others.

`build_linear_materials` looks at the training split alone: terms, lexicon, an empty network.
`fit_linear` fits each stage on it and tries the recipe's choices on dev, in a fixed order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from safetensors.torch import load_file

from nlp.networks.base import Network
from nlp.networks.linear import Linear
from nlp.networks.table import build_network
from nlp.tasks.base import Example
from nlp.tasks.sentiment import LAYER
from nlp.terms import LinearExtractor, Terms
from nlp.text import splitter
from nlp.vocabulary import Vocabulary, build_vocabulary
from training.errors import DataError, RecipeError
from training.fit import Record, torch_model, write_weights
from training.lexicons import load_lexicon
from training.linear_recipe import Features
from training.linear_stages import (
    TOPIC_STEPS,
    Read,
    Stage,
    Stages,
    fit_classifier,
    fit_stages,
    read_items,
    write_network,
)
from training.linear_terms import choose_terms, frequency_of
from training.manifest import ModelSpec, TextSpec
from training.materials import Materials
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.splits import Splits
from training.tasks.table import trainable

ARCHITECTURE: Final = "linear"
_LEAST: Final = 1e-12


def build_linear_materials(recipe: Recipe, train: Sequence[Example]) -> Materials:
    """Terms and lexicon, and a network without weights. Raises RecipeError and DataError."""
    features = _features(recipe)
    labels = trainable(recipe.task).layers(train)
    _check_labels(features, labels[LAYER])
    split = splitter(recipe.text.tokenizer)
    texts = [trainable(recipe.task).words([example], split) for example in train]
    ids = {label: i for i, label in enumerate(labels[LAYER])}
    gold = np.array([ids[cast(str, example.gold)] for example in train], np.int64)
    extractor = LinearExtractor(
        choose_terms(features, texts, gold),
        load_lexicon(features.lexicon) if features.lecture else None,
    )
    vocabulary = build_vocabulary(
        (word for words in texts for word in words),
        lowercase=recipe.text.lowercase,
        min_count=recipe.text.min_count,
        max_words=recipe.text.max_words,
    )
    spec = _spec(recipe, labels, vocabulary, extractor)
    return Materials(spec, vocabulary, build_network(ARCHITECTURE, spec.outputs, spec.sizes))


def fit_linear(
    recipe: Recipe,
    materials: Materials,
    splits: Splits,
    run: RunFolder,
    *,
    record: Record | None = None,
) -> Network:
    """The network with the choices that scored best on dev; the first of several that did.

    A run that had ended gives its weights at once; one that was stopped begins again, and ends in
    the same weights.
    """
    network = cast(Linear, materials.network)
    if run.trained.is_file():
        network.load_state_dict(load_file(run.trained))
        return network
    run.forget_after(0)
    features, trained = _features(recipe), trainable(recipe.task)
    items = trained.items(splits.train, materials.task, strict=True)
    read = read_items(items, int(materials.spec.sizes["terms"]), LAYER)
    scored: list[tuple[float, Tried]] = []
    for tried in _tries(features, read, seed=recipe.seed):
        write_network(network, tried.stages, tried.classifier)
        row = _score(materials, splits.dev, tried)
        run.add_metrics(row)
        if record is not None:
            record(row)
        scored.append((row[f"dev_{recipe.training.metric}"], tried))
    _, best = max(scored, key=lambda one: one[0])  # the first of several
    write_network(network, best.stages, best.classifier)
    write_weights({k: v.contiguous() for k, v in network.state_dict().items()}, run.trained)
    return network


@dataclass(frozen=True, slots=True)
class Tried:
    """One choice of the recipe's lists, fitted: the `number`th of `count`."""

    stages: Stages
    classifier: Stage
    terms: int
    strength: float
    number: int
    count: int


def _tries(features: Features, read: Read, *, seed: int) -> Iterator[Tried]:
    """Each number of terms with each strength, in the recipe's order."""
    terms = read.counts.shape[1]
    sizes = (terms,) if features.select is None else features.select.sizes
    sizes = tuple(dict.fromkeys(min(size, terms) for size in sizes))
    strengths = features.classifier.strengths
    number, count = 0, len(sizes) * len(strengths)
    for size in sizes:
        part = read.first(size)
        stages = fit_stages(features, part, seed=seed)
        values = stages.transform(part)
        for strength in strengths:
            number += 1
            classifier = fit_classifier(features.classifier, strength, values, read.gold)
            yield Tried(stages, classifier, size, strength, number, count)


def _score(materials: Materials, dev: Sequence[Example], tried: Tried) -> dict[str, float]:
    """The choice and its dev figures, as a row of the run's metrics: each choice is an epoch."""
    trained, model = trainable(materials.spec.task), torch_model(materials)
    figures = trained.dev_score(model, dev)
    probabilities, gold = trained.calibration(model, dev)[LAYER]
    loss = -np.log(np.maximum(probabilities[np.arange(len(gold)), gold], _LEAST)).mean()
    scored = {f"dev_{name}": value for name, value in {**figures, "loss": float(loss)}.items()}
    place = {"step": tried.number, "steps": tried.count, "epoch": float(tried.number)}
    return {**place, "terms": tried.terms, "C": tried.strength, **scored}


def _features(recipe: Recipe) -> Features:
    """Raises RecipeError for a recipe that no linear model can follow."""
    if recipe.features is None:
        raise RecipeError("is missing; a linear model is made of it", path="features")
    if recipe.task != "sentiment":
        raise RecipeError("a linear model labels whole texts: sentiment", path="task")
    if recipe.training.metric not in ("accuracy", "macro_f1"):
        raise RecipeError("must be accuracy or macro_f1", path="training.metric")
    if recipe.network.sizes:
        raise RecipeError("a linear model's sizes follow from features", path="network.sizes")
    if recipe.text.vectors:
        raise RecipeError("a linear model reads no word vectors", path="text.vectors")
    return recipe.features


def _check_labels(features: Features, labels: Sequence[str]) -> None:
    if len(labels) < 2:
        raise DataError(f"the training split has one label, {labels[0]!r}; a model needs two")
    discriminants = max((step.lda or 0 for step in features.project), default=0)
    if discriminants >= len(labels):
        message = f"lda is {discriminants}; of {len(labels)} labels it can be {len(labels) - 1}"
        raise RecipeError(f"{message} at most", path="features.project")


def _spec(
    recipe: Recipe,
    layers: dict[str, tuple[str, ...]],
    vocabulary: Vocabulary,
    extractor: LinearExtractor,
) -> ModelSpec:
    text = TextSpec(
        tokenizer=recipe.text.tokenizer,
        lowercase=recipe.text.lowercase,
        trained=vocabulary.trained,
        features=extractor.names,
        alphabet="",
        window_tokens=recipe.text.max_window_tokens,
    )
    return ModelSpec(
        task=recipe.task,
        architecture=ARCHITECTURE,
        sizes=_sizes(_features(recipe), vocabulary, extractor.terms),
        layers=layers,
        text=text,
        tolerance=recipe.publish.tolerance,
        extractor=extractor,
    )


def _sizes(features: Features, vocabulary: Vocabulary, terms: Terms | None) -> dict[str, Any]:
    topics = features.topics or 0
    return {
        "words": len(vocabulary),
        "trained": vocabulary.trained,
        "terms": 0 if terms is None else len(terms.names),
        "tf": "count" if features.terms is None else frequency_of(features.terms),
        "norm": features.terms is not None and features.terms.norm,
        "lecture": features.lecture,
        "topics": topics,
        "topic_prior": 1 / topics if topics else 1.0,
        "topic_steps": TOPIC_STEPS,
        "only_topics": features.only_topics,
        "projections": [step.width for step in features.project],
    }
