"""What a model gets of a data set, against the scorer that the manifest's figures come from."""

import json

import numpy as np
import pytest
from tiny import examples, in_memory

from nlp.model import Model
from nlp.tasks.base import Example
from training.build import build, to_plain
from training.calibration import reliability
from training.errors import ScoreError
from training.evaluate import evaluate
from training.retrain.budgets import ROUNDS, file_sizes, forward_times
from training.retrain.difference import share
from training.retrain.measured import Compared, array
from training.retrain.sides import LENGTHS, compare, side, sureness
from training.scores import part

CLASS = "F1 of class "
TASKS = ("sentiment", "aspects", "extraction")
ARCHITECTURES = {
    "sentiment": "textcnn",
    "aspects": "attention-lstm",
    "extraction": "bilstm-tagger",
}


@pytest.fixture(scope="module", params=TASKS)
def model(request: pytest.FixtureRequest) -> Model:
    """Trained for a few steps, so that it is sometimes wrong."""
    return in_memory(request.param, ARCHITECTURES[request.param], steps=4)


def asked(model: Model) -> list[Example]:
    return examples(str(model.manifest["task"])) * 2


def test_a_side_has_the_scorers_figures(model: Model) -> None:
    found, scored = side(model, asked(model)), evaluate(model, asked(model))
    task = model.manifest["task"]
    expected = scored.measures["span_f1"].value if task == "extraction" else scored.first.accuracy
    assert share(array(found.shares)) == pytest.approx(expected)
    assert found.parts == scored.slices
    for layer, one in scored.reliability.items():
        assert found.ece[layer].ece == pytest.approx(one.ece)


def test_slices_by_class_are_its_f1_and_lengths_part_the_items(model: Model) -> None:
    found, scored = side(model, asked(model)), evaluate(model, asked(model))
    f1 = {one.label: one.f1 for one in scored.first.classes if one.support}
    classes = {name: rows for name, rows in found.slices.items() if name.startswith(CLASS)}
    assert len(classes) == (0 if model.manifest["task"] == "extraction" else len(f1))
    for name, rows in classes.items():
        assert share(array(rows)) == pytest.approx(f1[name.removeprefix(CLASS)])
    lengths = [rows for name, rows in found.slices.items() if name in LENGTHS]
    assert sum(map(len, lengths)) == len(found.shares)


def test_what_is_right_is_right_label_by_label(model: Model) -> None:
    found = side(model, asked(model))
    if model.manifest["task"] == "extraction":
        assert found.right == ()
        return
    assert len(found.right) == array(found.shares)[:, 1].sum()
    assert sum(found.right) == array(found.shares)[:, 0].sum()


def test_a_comparison_goes_through_json_and_back(model: Model) -> None:
    found = compare("test", model, model, asked(model))
    assert build(Compared, json.loads(json.dumps(to_plain(found)))) == found
    assert found.champion == found.challenger


def test_words_of_length_thresholds_overlap_nowhere() -> None:
    for words in range(1, 60):
        assert sum(low <= words <= high for low, high in LENGTHS.values()) == 1
    assert part("x", np.array([True]), where=np.array([False])).accuracy is None


def test_sureness_is_the_calibration_error_with_the_spread_of_its_resamples() -> None:
    generator = np.random.default_rng(6)
    high = generator.uniform(0.5, 1.0, size=800)
    rows = np.stack([high, 1 - high], axis=1)
    gold = (generator.random(800) > 0.9 * high).astype(np.int64)
    found = sureness(rows, gold)
    assert found.ece == pytest.approx(reliability(rows, gold).ece)
    spread = []
    for _ in range(400):
        drawn = generator.integers(800, size=800)
        spread.append(reliability(rows[drawn], gold[drawn]).ece)
    assert found.error == pytest.approx(np.std(spread), rel=0.15)


def test_a_language_models_figure_is_no_share_of_right_answers() -> None:
    model = in_memory("pairs", "recurrent-encoder-decoder", steps=1)
    assert forward_times(model, model, [e.item for e in examples("pairs")]) is None
    with pytest.raises(ScoreError, match="nothing"):
        side(in_memory("sentiment", "textcnn", steps=1), [])


def test_the_latency_ratio_is_the_median_of_interleaved_rounds() -> None:
    """A clock of our own: each look at it moves it on; the challenger's every pass takes twice."""
    model = in_memory("sentiment", "textcnn", steps=1)
    slow = in_memory("sentiment", "textcnn", steps=1, seed=1)
    order = []

    class Timed:
        def __init__(self, inner: Model, name: str) -> None:
            self.inner, self.name = inner, name

        def run(self, arrays: dict[str, object]) -> object:
            order.append(self.name)
            return self.inner.runtime.run(arrays)  # type: ignore[arg-type]

    champion = Model(model.manifest, model.task, Timed(model, "champion"))  # type: ignore[arg-type]
    challenger = Model(slow.manifest, slow.task, Timed(slow, "challenger"))  # type: ignore[arg-type]

    def clock() -> float:
        return 1.0 * order.count("champion") + 2.0 * order.count("challenger")

    found = forward_times(
        champion, challenger, [e.item for e in examples("sentiment")], clock=clock
    )
    assert found is not None
    assert found.ratio == 2.0
    assert order.count("champion") == order.count("challenger") == ROUNDS + 1
    assert order[2:6] in (["challenger", "champion", "champion", "challenger"],)


def test_sizes_are_of_all_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    one, other = (tmp_path_factory.mktemp(name) for name in ("one", "other"))
    (one / "a").write_bytes(bytes(100))
    (other / "a").write_bytes(bytes(100))
    (other / "b").write_bytes(bytes(50))
    found = file_sizes(one, other)
    assert (found.champion, found.challenger, found.ratio) == (100, 150, 1.5)
