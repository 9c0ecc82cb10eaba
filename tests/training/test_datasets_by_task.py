"""What each task reads of a source: aspects by choice, texts alone for language models."""

from collections import Counter
from pathlib import Path

import pytest

from nlp.tasks.base import Aspect, AspectItem, Example
from nlp.vocabulary import END
from training.datasets import load
from training.errors import DataError
from training.recipe import Source


@pytest.fixture
def real(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VALENCE_DATA", str(data))
    return data


# Aspects


ASPECTS = (
    '{"text": "Warm soup, slow staff.", "aspects": [{"text": "soup", "start": 5, "end": 9, '
    '"label": "positive"}, {"text": "service", "label": "negative"}]}\n'
    '{"text": "We came by bus.", "aspects": []}\n'
)
SOUP, SERVICE = Aspect("soup", 5, 9), Aspect("service")


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    path = tmp_path / "menu.jsonl"
    path.write_text(ASPECTS, encoding="utf-8")
    return path


def test_a_file_of_aspects_serves_all_three_tasks(menu: Path) -> None:
    source = Source(file=str(menu))
    judged = Example(
        AspectItem("Warm soup, slow staff.", (SOUP,)), (("positive",),), "menu.jsonl:1"
    )
    without = Example(AspectItem("We came by bus."), ((),), "menu.jsonl:2")
    assert load(source, task="aspects").examples == (judged,)
    assert load(source, task="extraction").examples == (judged, without)
    pairs = load(source, task="pairs")
    assert pairs.examples == (judged, without)
    assert pairs.record.aspects == {"found": 1, "used": 1, "merged": 0, "torn": 0, "conflict": 0}


def test_categories_are_read_where_they_are_asked_for(menu: Path) -> None:
    (found,) = load(Source(file=str(menu), aspects="both"), task="aspects").examples
    assert found.item == AspectItem("Warm soup, slow staff.", (SOUP, SERVICE))
    assert found.gold == (("positive", "negative"),)
    with pytest.raises(DataError, match="finds terms in texts reads no categories"):
        load(Source(file=str(menu), aspects="both"), task="extraction")


def test_aspects_that_a_source_has_not_are_refused_and_not_learnt_to_be_none(menu: Path) -> None:
    menu.write_text(ASPECTS.replace(', "start": 5, "end": 9', ""), encoding="utf-8")
    for task in ("aspects", "extraction", "pairs"):
        with pytest.raises(DataError, match=r'menu\.jsonl holds no terms; set the source\'s "aspe'):
            load(Source(file=str(menu)), task=task)


def test_named_aspects_can_be_renamed_and_left_out(real: Path) -> None:
    assert real.is_dir()
    labels = {"neutral": "", "negative": "bad"}
    loaded = load(Source(dataset="mams_atsa:dev", labels=labels), task="aspects")
    found = Counter(label for e in loaded.examples for label in e.gold[0])
    assert found == {"positive": 403, "bad": 325}


# Texts for language models


def test_a_language_model_reads_the_texts_of_any_file(tmp_path: Path, menu: Path) -> None:
    def texts(source: Source) -> list[object]:
        examples = load(source, task="language-model").examples
        assert {example.gold for example in examples} == {""}
        return [example.item for example in examples]

    (tmp_path / "a.txt").write_text("one fine day\n\nanother\n", encoding="utf-8")
    (tmp_path / "a.csv").write_text("body,id\none fine day,3\n", encoding="utf-8")
    line = "1\tHello\t_\tINTJ\tUH\t_\t_\t_\t_\t_\n\n"
    (tmp_path / "a.conllu").write_text(line, encoding="utf-8")
    assert texts(Source(file=str(tmp_path / "a.txt"))) == ["one fine day", "another"]
    assert texts(Source(file=str(tmp_path / "a.csv"), text="body")) == ["one fine day"]
    assert texts(Source(file=str(tmp_path / "a.conllu"))) == [("Hello", END)]
    assert texts(Source(file=str(menu), format="aspects")) == [
        "Warm soup, slow staff.",
        "We came by bus.",
    ]


@pytest.mark.parametrize(
    ("split", "lines", "tokens"),
    [("dev", 3370, 73_760), ("test", 3761, 82_430)],
)
def test_penn_treebank_has_its_published_size(
    real: Path, split: str, lines: int, tokens: int
) -> None:
    assert real.is_dir()
    examples = load(Source(dataset=f"ptb:{split}"), task="language-model").examples
    blocks = [example.item for example in examples if isinstance(example.item, tuple)]
    words = [word for block in blocks for word in block]
    assert (len(words), words.count(END)) == (tokens, lines)
    assert len(blocks) == len(examples) == -(-lines // 100)
    assert all(block[-1] == END for block in blocks)


def test_a_language_model_reads_named_sets_of_other_tasks(real: Path) -> None:
    assert real.is_dir()
    for name, size in (("sst2:dev", 872), ("mams_atsa:dev", 500), ("ud_french_sequoia:dev", 412)):
        loaded = load(Source(dataset=name), task="language-model")
        assert len(loaded.examples) == size
        assert {example.gold for example in loaded.examples} == {""}
    unlabelled = load(Source(dataset="fdu_mtl:unlabel", limit=9), task="language-model")
    assert len(unlabelled.examples) == 9


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("ptb:dev", "sentiment", "ptb is for language-model, not for sentiment"),
        ("mams_atsa:dev", "tagging", "mams_atsa is for aspects and extraction and pairs and lang"),
        ("sst2:dev", "pairs", "sst2 is for sentiment and language-model, not for pairs"),
    ],
)
def test_a_data_set_of_another_task_is_refused(name: str, task: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(Source(dataset=name), task=task)
