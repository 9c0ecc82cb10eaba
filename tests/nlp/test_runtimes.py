"""Every architecture through both runtimes: equal, batched as single, and as it was trained."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.external_data_helper import set_external_data
from safetensors.torch import load_file, save_file
from tiny import SIZES, TASKS, examples

from nlp.errors import ModelError
from nlp.model import Model
from nlp.networks.table import NETWORKS
from nlp.runtimes.onnx import GRAPH, OnnxRuntime
from nlp.runtimes.torch import WEIGHTS
from nlp.tasks.aspects import AspectsAnswer
from nlp.tasks.base import Arrays, AspectItem, Window
from nlp.tasks.language_model import ScoreAnswer
from nlp.tasks.pairs import PairsAnswer
from nlp.tasks.sentiment import SentimentAnswer
from nlp.tasks.tagging import TaggingAnswer
from nlp.vocabulary import Vocabulary

TOLERANCE = 1e-4
VARIANTS: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {}) for name in sorted(NETWORKS)),
    ("bilstm-tagger", {"crf": True, "layers": 2, "channels": "two-channel"}),
    ("attention-lstm", {"aspect": "states", "window": 3, "beside": "max", "score": "additive"}),
    ("attention-lstm", {"aspect": "mean", "append": False, "places": 0, "beside": "aspect"}),
    ("linear", {"topics": 3, "topic_prior": 0.3, "topic_steps": 2, "projections": (4, 3)}),
    ("recurrent", {"cell": "rnn", "directions": 1, "pooling": "last"}),
    ("recurrent", {"cell": "gru", "layers": 2, "pooling": "concat"}),
    ("transformer", {"pooling": "first", "positions": "learned", "norm": "post", "window": 3}),
    ("recurrent-language-model", {"cell": "rnn", "layers": 2, "tied": False}),
    ("recurrent-encoder-decoder", {"cell": "gru", "layers": 2, "copy": "mixture"}),
)

Export = Callable[..., tuple[Model, Path]]
Pair = tuple[Model, Model]
"""The same folder through torch and through ONNX Runtime."""


def variant_name(variant: tuple[str, dict[str, Any]]) -> str:
    return "-".join([variant[0], *variant[1]])


@pytest.fixture(scope="module", params=VARIANTS, ids=variant_name)
def folder(request: pytest.FixtureRequest, export: Export) -> Path:
    architecture, sizes = request.param
    return export(TASKS[architecture], architecture, **sizes)[1]


@pytest.fixture(scope="module")
def pair(folder: Path) -> Iterator[Pair]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # networks this small lose more by sharing than they gain
    yield Model.load(folder, runtime="torch"), Model.load(folder, runtime="onnx", threads=1)
    torch.set_num_threads(threads)


def test_every_architecture_is_tried() -> None:
    """A new one needs an entry in tests/support/tiny.py; then all tests below take it."""
    assert set(SIZES) == set(TASKS) == set(NETWORKS)


# -- equal and alone -----------------------------------------------------------------------------

lengths_of_batches = st.lists(st.integers(1, 40), min_size=1, max_size=8)


def windows_of(model: Model, lengths: list[int], seed: int) -> list[Window]:
    """Random words of the vocabulary, with words and characters among them that it lacks."""
    vocabulary: Vocabulary = model.task.vocabulary  # type: ignore[attr-defined]
    pool = [*vocabulary.words[1:], "Zzz", "1234", "né", "👍🏽", "x" * 70]
    rng = np.random.default_rng(seed)
    drawn = [tuple(pool[i] for i in rng.integers(0, len(pool), n)) for n in lengths]
    return [model.task.probe(words) for words in drawn]


def largest_difference(a: Arrays, b: Arrays) -> float:
    assert a.keys() == b.keys()
    assert all(a[name].shape == b[name].shape for name in a)
    return max(float(np.abs(a[name] - b[name]).max()) for name in a)


@settings(max_examples=25)
@given(lengths=lengths_of_batches, seed=st.integers(0, 99))
def test_torch_is_onnx(pair: Pair, lengths: list[int], seed: int) -> None:
    reference, served = pair
    arrays = reference.task.collate(windows_of(reference, lengths, seed))
    a, b = reference.runtime.run(arrays), served.runtime.run(arrays)
    assert largest_difference(a, b) <= TOLERANCE
    assert {array.dtype for array in (*a.values(), *b.values())} == {np.dtype(np.float32)}


@pytest.mark.parametrize("side", [0, 1], ids=["torch", "onnx"])
@settings(max_examples=12)
@given(lengths=lengths_of_batches, seed=st.integers(0, 99))
def test_batched_is_single(pair: Pair, side: int, lengths: list[int], seed: int) -> None:
    model = pair[side]
    windows = windows_of(model, lengths, seed)
    for window, row in zip(windows, model.forward(windows), strict=True):
        (alone,) = model.forward([window])
        for name, expected in alone.items():
            share = row[name][tuple(map(slice, expected.shape))]  # still padded
            np.testing.assert_allclose(share, expected, atol=TOLERANCE)


def test_a_neighbour_of_any_length_changes_nothing(pair: Pair) -> None:
    for model in pair:
        short, long = windows_of(model, [3, 300], 1)
        (alone,), beside = model.forward([short]), model.forward([long, short])[1]
        for name, expected in alone.items():
            share = beside[name][tuple(map(slice, expected.shape))]
            np.testing.assert_allclose(share, expected, atol=TOLERANCE)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_is_the_cpu(folder: Path, pair: Pair) -> None:
    model = Model.load(folder, device="cuda")
    assert (model.runtime.name, model.runtime.device) == ("torch", "cuda")
    arrays = model.task.collate(windows_of(model, [1, 40, 7, 200], 0))
    assert largest_difference(model.runtime.run(arrays), pair[1].runtime.run(arrays)) <= TOLERANCE


# -- what was learnt is what is served -----------------------------------------------------------


@pytest.mark.parametrize("side", [0, 1], ids=["torch", "onnx"])
def test_overfit_saved_and_loaded_it_still_knows_by_heart(pair: Pair, side: int) -> None:
    model = pair[side]
    learnt = examples(model.manifest["task"])
    for example, answer in zip(learnt, model.answer(e.item for e in learnt), strict=True):
        if isinstance(answer, SentimentAnswer):
            assert answer.label == example.gold
        elif isinstance(answer, ScoreAnswer):
            # But for the first two words, where texts begin alike, each follows from those before.
            known = [token.log_probability for token in answer.tokens[2:]]
            assert min([*known, answer.end_log_probability]) > -0.5
        elif isinstance(answer, PairsAnswer):
            assert isinstance(example.item, AspectItem)
            places = ((aspect.start, aspect.end) for aspect in example.item.aspects)
            found = [((pair.start, pair.end), pair.label) for pair in answer.pairs]
            assert found == list(zip(places, example.gold[0], strict=True))
        elif isinstance(answer, AspectsAnswer):
            assert (tuple(one.label for one in answer.aspects),) == example.gold
        else:
            assert isinstance(answer, TaggingAnswer)
            layers = zip(*(token.tags.values() for token in answer.tokens), strict=True)
            assert tuple(layers) == example.gold


def test_both_runtimes_answer_alike(pair: Pair) -> None:
    items = [example.item for example in examples(pair[0].manifest["task"])]
    for a, b in zip(pair[0].answer(items), pair[1].answer(items), strict=True):
        assert names_and_scores(a.to_dict()) == names_and_scores(b.to_dict())


def names_and_scores(value: Any) -> Any:  # noqa: ANN401 - JSON
    """A JSON value with its scores made comparable."""
    if isinstance(value, dict):
        return {key: names_and_scores(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [names_and_scores(entry) for entry in value]
    return pytest.approx(value, abs=TOLERANCE) if isinstance(value, float) else value


# -- what is refused -----------------------------------------------------------------------------


@pytest.fixture
def damaged(export: Export, tmp_path: Path) -> Path:
    """A copy to damage."""
    target = tmp_path / "model"
    shutil.copytree(export("sentiment", "textcnn")[1], target)
    return target


def test_a_missing_or_garbage_graph_is_refused(damaged: Path) -> None:
    for content in (b"", b"garbage", (damaged / GRAPH).read_bytes()[:500]):
        (damaged / GRAPH).write_bytes(content)
        with pytest.raises(ModelError, match=r"network\.onnx is no graph"):
            Model.load(damaged)
    (damaged / GRAPH).unlink()
    with pytest.raises(ModelError, match=r"network\.onnx is missing"):
        Model.load(damaged)


def test_missing_garbage_and_foreign_weights_are_refused(damaged: Path) -> None:
    weights = load_file(damaged / WEIGHTS)
    name, tensor = next(iter(weights.items()))
    path = damaged / WEIGHTS
    for foreign in (
        {**weights, name: tensor[:1].clone()},
        {k: v for k, v in weights.items() if k != name},
        {**weights, "more": tensor.clone()},
    ):
        save_file(foreign, path)
        with pytest.raises(ModelError, match="does not fit the architecture 'textcnn'"):
            Model.load(damaged, runtime="torch")
    for content in (b"", b"garbage", b"\xff" * 100):
        path.write_bytes(content)
        with pytest.raises(ModelError, match="does not fit"):
            Model.load(damaged, runtime="torch")
    path.unlink()
    with pytest.raises(ModelError, match=r"network\.safetensors is missing"):
        Model.load(damaged, runtime="torch")


@pytest.mark.parametrize("place", ["../outside.bin", "absolute", "link.bin", "nowhere.bin"])
def test_a_graph_that_reads_outside_its_folder_is_refused(damaged: Path, place: str) -> None:
    outside = damaged.parent / "outside.bin"
    (damaged / "link.bin").symlink_to(outside)
    graph = onnx.load(damaged / GRAPH, load_external_data=False)
    tensor = next(t for t in graph.graph.initializer if t.raw_data)
    outside.write_bytes(tensor.raw_data)
    location = str(outside) if place == "absolute" else place
    set_external_data(tensor, location=location, offset=0, length=len(tensor.raw_data))
    tensor.ClearField("raw_data")
    (damaged / GRAPH).write_bytes(graph.SerializeToString())
    with pytest.raises(ModelError, match=r"network\.onnx is no graph"):
        Model.load(damaged)


def test_a_device_that_is_not_there_is_refused(damaged: Path) -> None:
    for device in ("tpu", "cuda:x", "cpu:one", ""):
        with pytest.raises(ModelError, match=f"cannot run on '{device}'"):
            OnnxRuntime(damaged, device=device)
