"""Scores of a model by the serving path; the oracle is scikit-learn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss
from tiny_runs import Finished, reviews, tagged

from nlp.features import Features
from nlp.model import Model
from nlp.tasks.base import Arrays, Example, Task
from nlp.tasks.sentiment import Sentiment
from nlp.tasks.tagging import Tagging
from nlp.text import split_words
from nlp.vocabulary import build_vocabulary
from training.errors import DataError, ScoreError
from training.evaluate import evaluate
from training.fit import fit
from training.materials import build_materials
from training.recipe import Recipe
from training.run import calibrate
from training.run_folder import RunFolder
from training.splits import Splits, prepare
from training.tasks.tagging import TAGGING

TEXTS = [Example(text, label) for text, label in reviews(40, 6)]
LABELS = ("negative", "neutral", "positive")
SENTENCES = [
    Example(
        tuple(w for w, _, _ in rows), (tuple(u for _, u, _ in rows), tuple(x for *_, x in rows))
    )
    for rows in tagged(30, 4)
]
VOCABULARY = build_vocabulary(
    [w for text, _ in reviews(10, 6) for w in split_words(text).words]
    + [w for rows in tagged(6, 4) for w, _, _ in rows],
    lowercase=True,
)


@dataclass(frozen=True, slots=True)
class Table:
    """A runtime that looks each word up in a table: a real, if simple, model."""

    rows: dict[str, NDArray[np.float32]]
    pooled: bool
    name: str = "table"
    device: str = "cpu"

    def run(self, arrays: Arrays) -> Arrays:
        found = {layer: rows[arrays["words"]] for layer, rows in self.rows.items()}
        return {k: v.sum(axis=1) if self.pooled else v for k, v in found.items()}


def model(task: Task, *, pooled: bool, seed: int = 0) -> Model:
    rng = np.random.default_rng(seed)
    rows = {}
    for layer, labels in task.layers.items():
        rows[layer] = rng.normal(size=(len(VOCABULARY), len(labels))).astype(np.float32)
        rows[layer][0] = 0.0  # padding
    name = "sentiment" if pooled else "tagging"
    return Model({"task": name}, task, Table(rows, pooled))


def sentiment_model(labels: Sequence[str] = LABELS, *, temperature: float = 1.7) -> Model:
    features = Features(("words",))
    task = Sentiment(tuple(labels), split_words, VOCABULARY, features, 256, temperature)
    return model(task, pooled=True)


def tagging_model(**layers: tuple[str, ...]) -> Model:
    return model(Tagging(layers, split_words, VOCABULARY, Features(("words",))), pooled=False)


def words_in(example: Example) -> tuple[str, ...]:
    assert isinstance(example.item, tuple)
    return example.item


def tags_in(example: Example) -> tuple[tuple[str, ...], ...]:
    assert isinstance(example.gold, tuple)
    return example.gold


def tags_of(number: int, examples: Sequence[Example] = SENTENCES) -> tuple[str, ...]:
    return tuple(sorted({tag for example in examples for tag in example.gold[number]}))


def probabilities(found: Model, texts: Sequence[str], *, temperature: float) -> NDArray[np.float64]:
    """Text by text, without the task's code."""
    assert isinstance(found.runtime, Table)
    rows = found.runtime.rows["sentiment"].astype(np.float64)
    logits = [rows[VOCABULARY.ids(split_words(text).words)].sum(axis=0) for text in texts]
    return np.asarray(softmax(np.array(logits) / temperature, axis=1))


def test_texts_against_scikit_learn() -> None:
    found = sentiment_model()
    evaluation = evaluate(found, TEXTS)
    expected = probabilities(found, [str(e.item) for e in TEXTS], temperature=1.7)
    said = [LABELS[i] for i in expected.argmax(axis=1)]
    gold = [str(example.gold) for example in TEXTS]
    scores, present = evaluation.first, ["negative", "positive"]
    assert scores.items == len(TEXTS)
    assert scores.accuracy == pytest.approx(accuracy_score(gold, said))
    macro = f1_score(gold, said, labels=present, average="macro")
    assert scores.macro_f1 == pytest.approx(macro)
    matrix = confusion_matrix(gold, said, labels=list(LABELS))
    assert np.array(scores.confusion).tolist() == matrix.tolist()
    reliable = evaluation.reliability["sentiment"]
    assert reliable.nll == pytest.approx(log_loss(gold, expected, labels=list(LABELS)), rel=1e-6)
    one_hot = np.eye(3)[[LABELS.index(label) for label in gold]]
    assert reliable.brier == pytest.approx(((expected - one_hot) ** 2).sum(axis=1).mean(), rel=1e-6)
    assert evaluation.slices == ()


def test_tags_against_scikit_learn() -> None:
    found = tagging_model(upos=tags_of(0), xpos=tags_of(1))
    evaluation = evaluate(found, SENTENCES)
    assert isinstance(found.runtime, Table)
    for number, layer in enumerate(("upos", "xpos")):
        rows, tags = found.runtime.rows[layer], tags_of(number)
        said = [tags[rows[VOCABULARY.id(w)].argmax()] for e in SENTENCES for w in words_in(e)]
        gold = [tag for e in SENTENCES for tag in e.gold[number]]
        scores = evaluation.layers[layer]
        assert scores.accuracy == pytest.approx(accuracy_score(gold, said))
        assert scores.macro_f1 == pytest.approx(f1_score(gold, said, average="macro"))
        matrix = confusion_matrix(gold, said, labels=list(tags))
        assert np.array(scores.confusion).tolist() == matrix.tolist()


def test_slices_of_words_add_up() -> None:
    evaluation = evaluate(tagging_model(upos=tags_of(0)), SENTENCES)
    known, unknown, whole = evaluation.slices
    words = [word for example in SENTENCES for word in words_in(example)]
    assert known.items == sum(map(VOCABULARY.knows, words))
    assert 0 < unknown.items == len(words) - known.items
    assert whole.items == len(SENTENCES)
    right = sum(part.items * (part.accuracy or 0.0) for part in (known, unknown))
    assert right / len(words) == pytest.approx(evaluation.first.accuracy)


def test_a_label_the_model_lacks_is_a_miss() -> None:
    """It counts in accuracy, and has a row in the confusion; probabilities say nothing of it."""
    found = sentiment_model()
    strange = [replace(example, gold="mixed") for example in TEXTS[:20]]
    mixed, plain = evaluate(found, [*strange, *TEXTS]), evaluate(found, TEXTS)
    hits = plain.first.accuracy * len(TEXTS)
    assert mixed.first.accuracy == pytest.approx(hits / (len(TEXTS) + 20))
    (row,) = [one for one in mixed.first.classes if one.label == "mixed"]
    assert (row.support, row.predicted, row.recall) == (20, 0, 0.0)
    assert mixed.reliability == plain.reliability


def test_a_tag_the_model_lacks_is_a_miss() -> None:
    found = tagging_model(upos=tuple(tag for tag in tags_of(0) if tag != "NUM"))
    evaluation = evaluate(found, SENTENCES)
    (row,) = [one for one in evaluation.first.classes if one.label == "NUM"]
    assert row.support > 0 == row.predicted
    assert np.array(evaluation.first.confusion).sum() == evaluation.first.items


def test_labels_that_are_all_strange_are_refused() -> None:
    strange = [replace(example, gold="pos") for example in TEXTS]
    message = "the model knows none of the labels pos; it knows negative, neutral, positive"
    with pytest.raises(ScoreError, match=f"^{message}$"):
        evaluate(sentiment_model(), strange)


def test_a_dev_score_is_the_evaluation_without_intervals() -> None:
    found = tagging_model(upos=tags_of(0), xpos=tags_of(1))
    scores, quick = evaluate(found, SENTENCES).layers, TAGGING.dev_score(found, SENTENCES)
    assert quick["accuracy"] == pytest.approx(scores["upos"].accuracy)
    assert quick["macro_f1"] == pytest.approx(scores["upos"].macro_f1)
    assert quick["xpos_accuracy"] == pytest.approx(scores["xpos"].accuracy)


def test_nothing_cannot_be_scored() -> None:
    with pytest.raises(ScoreError, match="no example has a label"):
        evaluate(sentiment_model(), [])


def without_xpos(examples: Sequence[Example]) -> list[Example]:
    return [replace(e, gold=(tags_in(e)[0], ("_",) * len(words_in(e)))) for e in examples]


def test_a_layer_without_gold_is_left_out() -> None:
    found = tagging_model(upos=tags_of(0), xpos=tags_of(1))
    evaluation = evaluate(found, without_xpos(SENTENCES))
    assert list(evaluation.layers) == ["upos"] == list(evaluation.reliability)
    assert evaluation.first == evaluate(found, SENTENCES).first


def test_judging_keeps_the_order_of_the_examples() -> None:
    """Batches are cut by length; what is said of an example stays with it."""
    found = tagging_model(upos=tags_of(0))
    judged = TAGGING.judge(found, SENTENCES)["upos"]
    assert [len(row) for row in judged.predicted] == [len(words_in(e)) for e in SENTENCES]
    alone = [TAGGING.judge(found, [example])["upos"].predicted[0] for example in SENTENCES]
    assert list(judged.predicted) == alone


@pytest.mark.parametrize("task", ["sentiment", "tagging"])
def test_calibration_never_raises_the_loss_on_dev(task: str, finished: dict[str, Finished]) -> None:
    """And what was measured when it was fitted is what the exported version does."""
    recipe, run = finished[task].recipe, finished[task].run
    prepared = prepare(recipe)
    materials = build_materials(recipe, prepared.splits.train)
    fit(recipe, materials, prepared.splits, run)
    served = evaluate(Model.load(run.version), prepared.splits.dev)
    for layer, found in calibrate(materials, prepared.splits.dev).items():
        assert found.after.nll <= found.before.nll
        assert served.reliability[layer].nll == pytest.approx(found.after.nll, abs=1e-4)
        manifest = Model.load(run.version).manifest["calibration"]
        assert manifest["temperatures"][layer] == pytest.approx(found.temperature)
        assert manifest["dev"][layer]["ece_after"] == pytest.approx(found.after.ece)


def test_training_without_xpos(
    recipes: dict[str, Recipe], new_run: Callable[[Recipe], RunFolder]
) -> None:
    """A treebank that gives no XPOS makes a tagger without that layer."""
    recipe, examples = recipes["tagging"], without_xpos(SENTENCES)
    materials = build_materials(recipe, examples)
    assert list(materials.task.layers) == ["upos"]
    run = new_run(recipe)
    fit(recipe, materials, Splits(tuple(examples), tuple(examples[:5])), run, device="cpu")
    assert "dev_xpos_accuracy" not in run.metrics()[-2]


def test_a_dev_tag_that_training_lacks_is_a_miss(
    recipes: dict[str, Recipe], new_run: Callable[[Recipe], RunFolder]
) -> None:
    """The dev loss leaves its sentence out; the dev score counts it as wrong."""
    recipe = recipes["tagging"]
    strange = Example(("Wow", "!"), (("INTJ", "PUNCT"), ("UH", ".")), "speech.conllu:1")
    splits = Splits(tuple(SENTENCES), (*SENTENCES[:4], strange))
    run = new_run(recipe)
    fit(recipe, build_materials(recipe, splits.train), splits, run, device="cpu")
    rows = [row for row in run.metrics() if "dev_loss" in row]
    assert all(np.isfinite(row["dev_loss"]) and row["dev_accuracy"] < 1 for row in rows)
    only = Splits(splits.train, (strange,))
    with pytest.raises(DataError, match="every dev example has a label that training lacks"):
        fit(recipe, build_materials(recipe, splits.train), only, new_run(recipe), device="cpu")
