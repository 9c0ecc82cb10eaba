"""Golden answers: written, replayed, and every way in which they may not agree."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nlp.errors import ModelError
from nlp.golden import read_golden, replay, write_golden
from nlp.model import GOLDEN, Model

ITEMS: dict[str, list[Any]] = {
    "sentiment": ["A warm and funny evening.", "Cold soup, rude waiter! " * 60, ["dull"]],
    "tagging": ["The waiter smiled. She reads 😀 books.", ["Rome", "is", "lovely"], "  "],
}


@pytest.fixture(scope="module", params=sorted(ITEMS))
def golden(
    request: pytest.FixtureRequest,
    make_model: Callable[..., Model],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Model, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    model = make_model(request.param, folder)
    write_golden(model, ITEMS[request.param], folder / GOLDEN)
    return model, folder


def rewrite(folder: Path, target: Path, change: Callable[[list[dict[str, Any]]], Any]) -> Path:
    entries = [json.loads(line) for line in (folder / GOLDEN).read_text("utf-8").splitlines()]
    change(entries)
    text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
    (target / GOLDEN).write_text(text, "utf-8")
    return target


def test_a_model_gives_its_own_answers_again(golden: tuple[Model, Path]) -> None:
    model, folder = golden
    replay(model, folder)
    items = [item for item, _ in read_golden(folder)]
    assert items == ITEMS[model.manifest["task"]]


def test_scores_may_differ_within_the_tolerance(golden: tuple[Model, Path], tmp_path: Path) -> None:
    model, folder = golden

    def shift(by: float) -> Callable[[list[dict[str, Any]]], None]:
        def change(entries: list[dict[str, Any]]) -> None:
            answer = entries[0]["answer"]
            target = answer if "score" in answer else answer["tokens"][0]
            target["score"] += by

        return change

    replay(model, rewrite(folder, tmp_path, shift(5e-5)))
    with pytest.raises(ModelError, match=r"line 1: answer.*score is .* tolerance 0.0001"):
        replay(model, rewrite(folder, tmp_path, shift(2e-4)))


def test_nan_is_no_score(golden: tuple[Model, Path], tmp_path: Path) -> None:
    model, folder = golden

    def change(entries: list[dict[str, Any]]) -> None:
        answer = entries[0]["answer"]
        (answer if "score" in answer else answer["tokens"][0])["score"] = float("nan")

    with pytest.raises(ModelError, match="line 1"):
        replay(model, rewrite(folder, tmp_path, change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda entries: entries[1]["answer"].update(windows=99), "line 2: answer.windows differs"),
        (lambda entries: entries[0]["answer"].pop("windows"), "line 1: answer has the keys"),
        (lambda entries: entries[0].pop("answer"), "line 1 must be"),
        (lambda entries: entries[0].update(item=3), "line 1: item must be"),
        (lambda entries: entries.clear(), "holds 0 lines"),
    ],
)
def test_what_differs_is_named(
    golden: tuple[Model, Path],
    tmp_path: Path,
    change: Callable[[list[dict[str, Any]]], Any],
    message: str,
) -> None:
    model, folder = golden
    with pytest.raises(ModelError, match=message):
        replay(model, rewrite(folder, tmp_path, change))


def test_labels_and_offsets_must_agree_exactly(golden: tuple[Model, Path], tmp_path: Path) -> None:
    model, folder = golden

    def change(entries: list[dict[str, Any]]) -> None:
        answer = entries[0]["answer"]
        if "label" in answer:
            answer["label"] = "neutral"
        else:
            answer["tokens"][0]["end"] += 1

    with pytest.raises(ModelError, match=r"line 1: answer.*(label|end) differs"):
        replay(model, rewrite(folder, tmp_path, change))


def test_an_item_the_model_refuses_is_named(golden: tuple[Model, Path], tmp_path: Path) -> None:
    model, _ = golden
    line = '{"item": "\\ud800", "answer": {}}\n'
    (tmp_path / GOLDEN).write_text(line, "utf-8")
    with pytest.raises(ModelError, match="line 1: refused as invalid_unicode"):
        replay(model, tmp_path)


def test_no_file_and_no_json(golden: tuple[Model, Path], tmp_path: Path) -> None:
    model, _ = golden
    with pytest.raises(ModelError, match=r"golden\.jsonl is missing"):
        replay(model, tmp_path)
    (tmp_path / GOLDEN).write_text("{\n", "utf-8")
    with pytest.raises(ModelError, match="line 1 is not JSON"):
        replay(model, tmp_path)


def test_a_senseless_tolerance_is_refused(golden: tuple[Model, Path]) -> None:
    model, folder = golden
    loose = Model({**model.manifest, "tolerance": "much"}, model.task, model.runtime)
    with pytest.raises(ModelError, match="tolerance must be a number"):
        replay(loose, folder)
