"""`valence drift`: the figures of a file are those that the service shows of the same texts."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from PIL import Image
from tiny_runs import Finished, reviews, write_csv
from typer.testing import CliRunner, Result

from model_store import Store, open_store
from nlp.drift import LEAST_ITEMS, REFERENCE, Reference, compare
from nlp.manifest import read_manifest
from nlp.model import Model
from nlp.sketches import LENGTH, PERPLEXITY, Look, Sketch
from service.settings import Settings
from training.manifest import write_manifest
from training.recipe import Source
from training.traffic import meet
from valence import app

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, finished: dict[str, Finished]) -> Store:
    """tiny@1 and tinytags@1 as champions; bare@1, of the same files, without a reference."""
    made = open_store(tmp_path_factory.mktemp("traffic") / "store")
    for name, task in (("tiny", "sentiment"), ("tinytags", "tagging")):
        made.publish(name, finished[task].run.version)
        made.promote(name, 1, actor="tests", reason="fixture")
    folder = made.export("tiny", 1, tmp_path_factory.mktemp("bare") / "bare")
    manifest = read_manifest(folder)
    del manifest[REFERENCE]
    write_manifest(manifest, folder)
    made.publish("bare", folder)
    return made


@pytest.fixture
def texts() -> list[str]:
    return [text for text, _ in reviews(120, 7)]


def written(path: Path, items: Sequence[str]) -> Path:
    write_csv(path, [(item, "") for item in items])
    return path


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["drift", *map(str, arguments)])


def test_a_file_is_seen_as_the_service_sees_it(
    store: Store, texts: list[str], tmp_path: Path
) -> None:
    source = Source(file=str(written(tmp_path / "texts.csv", [*texts, "   "])))
    found = meet(store.url, "tiny", source)
    model = Model.load(store.materialise("tiny", 1, tmp_path / "cache"))
    reference = Reference.from_dict(model.manifest[REFERENCE])
    assert reference.threshold is not None
    look, sketch = Look.of(model.manifest, reference.threshold), Sketch()
    for text in texts:
        ((encoded, rows),) = model.read([text])
        sketch.add(look.see(encoded, model.decode(encoded, rows).to_dict()))
    assert found.version == "tiny@1"
    assert found.sketch.counts == sketch.counts
    assert found.sketch.labels == sketch.labels
    assert found.shifts == compare(reference.sketch, sketch)
    assert found.estimated == pytest.approx(
        min(1, reference.accuracy + sketch.sure / 240 - reference.sketch.sure / 16)
        if reference.accuracy is not None
        else 0
    )


def test_longer_texts_have_moved(store: Store, texts: list[str], tmp_path: Path) -> None:
    path = written(tmp_path / "texts.csv", [text * 6 for text in texts])
    result = invoke("tiny", path, "--store", store.url, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["shifts"][LENGTH]["psi"] > 0.25
    assert found["shifts"][LENGTH]["ks"] == 1.0
    assert (found["version"], found["items"]) == ("tiny@1", 240)


def test_what_people_read(store: Store, texts: list[str], tmp_path: Path) -> None:
    path, picture = written(tmp_path / "texts.csv", texts), tmp_path / "drift.png"
    result = invoke("tiny", path, "--store", store.url, "--picture", picture)
    assert result.exit_code == 0, result.output
    assert "tiny@1: 240 texts against 16 of dev" in result.stdout
    assert "length" in result.stdout
    assert "as before" in result.stdout
    assert "estimated for" in result.stdout
    assert not [word for word in texts[0].split() if f" {word} " in result.stdout]
    with Image.open(picture) as image:
        assert image.width > 500


def test_too_few_say_nothing(store: Store, texts: list[str], tmp_path: Path) -> None:
    """The same number of items as for the service."""
    path = written(tmp_path / "texts.csv", texts[:5])
    result = invoke("tiny", path, "--store", store.url)
    assert "fewer than 200: says nothing" in result.stdout
    assert Settings().drift_minimum_items == LEAST_ITEMS == 200


def test_tags_of_a_text_file(store: Store, texts: list[str], tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(texts), encoding="utf-8")
    result = invoke("tinytags", path, "--store", store.url, "--json")
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.stdout)["shifts"]) == {
        *("length", "unknown_words", "confidence", "labels")
    }


@pytest.mark.parametrize(
    ("reference", "text", "said"),
    [
        ("bare@1", "A film.", "bare@1 has no reference"),
        ("tiny", "\ud800", "there is no text that can be read"),
        ("tiny@7", "A film.", "tiny"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    reference: str, text: str, said: str, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(json.dumps({"text": text}) + "\n", encoding="utf-8")
    result = invoke(reference, path, "--store", store.url)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_perplexity_by_the_very_language_model(
    store: Store, texts: list[str], tmp_path: Path, finished: dict[str, Finished]
) -> None:
    """Where the store has it; else the texts have none."""
    scorer = tiny.overfit("language-model", tmp_path / "lm")
    version = store.publish("lm", tmp_path / "lm")
    identity = {"name": "lm", "version": version.number, "digest": version.digest}
    source = Source(file=str(written(tmp_path / "texts.csv", texts)))
    for name, digest, scored in (("near", version.digest, 240), ("far", "0" * 64, 0)):
        folder = store.export("tiny", 1, tmp_path / name)
        known = Reference.from_dict(read_manifest(finished["sentiment"].run.version)[REFERENCE])
        known.sketch.count(PERPLEXITY, 9.0)
        known = replace(known, language_model={**identity, "digest": digest})
        write_manifest({**read_manifest(folder), REFERENCE: known.to_dict()}, folder)
        store.publish(name, folder)
        found = meet(store.url, f"{name}@1", source).sketch.counts[PERPLEXITY]
        assert sum(found) == scored
    expected = Sketch()
    for answer in scorer.answer(texts):
        expected.count(PERPLEXITY, answer.to_dict()["perplexity"])
    first = meet(store.url, "near@1", source).sketch.counts[PERPLEXITY]
    assert first == expected.counts[PERPLEXITY]
