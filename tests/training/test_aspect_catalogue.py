"""The data sets of aspects: every one of them against its published counts."""

from pathlib import Path

import pytest

from nlp.tasks.base import AspectItem, Example
from training.aspect_catalogue import ASPECT_DATASETS
from training.audit import example_key
from training.datasets import load
from training.recipe import Source


@pytest.fixture
def real(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VALENCE_DATA", str(data))
    return data


def items(examples: tuple[Example, ...]) -> list[AspectItem]:
    return [example.item for example in examples if isinstance(example.item, AspectItem)]


COUNTS = {
    "semeval14_restaurants": ("terms", {"all_train": (3041, 3693), "test": (800, 1134)}),
    "semeval14_laptops": ("terms", {"all_train": (3045, 2358), "test": (800, 654)}),
    "semeval14_restaurants_seg": ("terms", {"all_train": (2018, 3608), "test": (615, 1120)}),
    "semeval14_laptops_seg": ("terms", {"all_train": (1499, 2328), "test": (418, 638)}),
    "semeval15_restaurants": ("categories", {"all_train": (1315, 1654), "test": (685, 845)}),
    "semeval15_laptops": ("categories", {"all_train": (1739, 1974), "test": (761, 949)}),
    "semeval16_restaurants": ("categories", {"all_train": (2000, 2507), "test": (676, 859)}),
    "semeval16_laptops": ("categories", {"all_train": (2500, 2909), "test": (808, 801)}),
    "mams_atsa": ("terms", {"train": (4297, 11_186), "dev": (500, 1332), "test": (500, 1336)}),
    "mams_acsa": ("categories", {"train": (3149, 7090), "dev": (400, 888), "test": (400, 901)}),
    "aste_14lap": ("terms", {"train": (906, 1460), "dev": (219, 346), "test": (328, 543)}),
    "aste_14res": ("terms", {"train": (1266, 2338), "dev": (310, 577), "test": (492, 994)}),
    "aste_15res": ("terms", {"train": (605, 1013), "dev": (148, 249), "test": (322, 485)}),
    "aste_16res": ("terms", {"train": (857, 1394), "dev": (210, 339), "test": (326, 514)}),
    "asqp_rest15": ("categories", {"train": (834, 1354), "dev": (209, 347), "test": (537, 795)}),
    "asqp_rest16": ("categories", {"train": (1264, 1989), "dev": (316, 507), "test": (544, 799)}),
    "acos_restaurant": (
        "categories",
        {"train": (1530, 2484), "dev": (171, 261), "test": (583, 916)},
    ),
    "acos_laptop": ("categories", {"train": (2934, 4172), "dev": (326, 440), "test": (816, 1161)}),
}
"""Sentences and annotations of each split, as the sources and the papers count them. The three-line
form holds no sentences, but samples: 3,608 and so on are published, its sentences were counted.
"""


def test_every_data_set_is_counted() -> None:
    assert set(COUNTS) == {dataset.name for dataset in ASPECT_DATASETS}


@pytest.mark.parametrize("name", COUNTS)
def test_sentences_and_aspects_are_as_published_and_no_line_is_malformed(
    real: Path, name: str
) -> None:
    assert real.is_dir()
    aspects, splits = COUNTS[name]
    for split, (sentences, annotations) in splits.items():
        source = Source(dataset=f"{name}:{split}", aspects=aspects)  # type: ignore[arg-type]
        loaded = load(source, task="pairs")
        found = (len(loaded.examples), loaded.record.aspects["found"])
        assert found == (sentences, annotations)
        assert loaded.record.malformed == 0


@pytest.mark.parametrize(
    ("source", "found", "categories", "conflict"),
    [
        (Source(dataset="semeval14_restaurants:all_train", aspects="both"), 7406, 3713, 286),
        (Source(dataset="semeval14_restaurants:test", aspects="both"), 2159, 1025, 66),
        (Source(dataset="semeval16_restaurants:all_train", aspects="both"), 4387, 2507, 0),
    ],
    ids=lambda value: value.dataset if isinstance(value, Source) else "",
)
def test_terms_and_categories_together(
    real: Path, source: Source, found: int, categories: int, conflict: int
) -> None:
    assert real.is_dir()
    loaded = load(source, task="aspects")
    assert loaded.record.aspects["found"] == found
    assert loaded.record.aspects["conflict"] == conflict
    named = [a for item in items(loaded.examples) for a in item.aspects if not a.located]
    assert len(named) <= categories
    assert all(name.text == name.text.lower() and "#" not in name.text for name in named)


def test_every_term_is_what_stands_at_its_place(real: Path) -> None:
    assert real.is_dir()
    for name in ("semeval16_restaurants:test", "aste_15res:dev", "asqp_rest15:dev"):
        loaded = load(Source(dataset=name), task="extraction")
        for item in items(loaded.examples):
            assert all(item.text[a.start : a.end] == a.text for a in item.aspects)
            assert list(item.aspects) == sorted(item.aspects, key=lambda a: (a.start, a.end))


def test_dev_is_cut_from_train_alike_in_every_year(real: Path) -> None:
    assert real.is_dir()
    keys = {}
    for year in (15, 16):
        for split in ("train", "dev", "all_train"):
            name = f"semeval{year}_restaurants:{split}"
            keys[year, split] = {
                *map(example_key, load(Source(dataset=name), task="pairs").examples)
            }
    for year in (15, 16):
        assert keys[year, "train"].isdisjoint(keys[year, "dev"])
        assert keys[year, "train"] | keys[year, "dev"] == keys[year, "all_train"]
        assert 0.07 < len(keys[year, "dev"]) / len(keys[year, "all_train"]) < 0.13
    assert keys[15, "dev"] <= keys[16, "dev"]
