"""Pairs as training sees them: aspects to outputs, exact matches, calibration of steps."""

from collections.abc import Mapping

import numpy as np
import pytest
from tiny import examples

from nlp.features import Features
from nlp.model import Model
from nlp.pair_grammar import PairGrammar, WordPair, to_prefix
from nlp.tasks.base import Arrays, Aspect, AspectItem, Example
from nlp.tasks.pairs import LAYER, PREFIX, Pairs
from nlp.text import split_words
from nlp.vocabulary import build_vocabulary
from training.errors import DataError, ScoreError
from training.items import IGNORED, collator
from training.tasks.pairs import PAIRS, targets

LEARNT = examples("pairs")
LABELS = ("negative", "neutral", "positive")
SYMBOLS = 5


def task(window_tokens: int = 64) -> Pairs:
    words = PAIRS.words(LEARNT, split_words)
    vocabulary = build_vocabulary(words, lowercase=True)
    symbols = PAIRS.layers(LEARNT)[LAYER]
    return Pairs(symbols, split_words, vocabulary, Features(("words", PREFIX)), window_tokens)


def example(text: str, *aspects: tuple[int, int, str]) -> Example:
    terms = tuple(Aspect(text[a:b], a, b) for a, b, _ in aspects)
    return Example(AspectItem(text, terms), (tuple(label for *_, label in aspects),), "f:1")


class Told:
    """A runtime that writes what it was told of a text of so many words, and ends where it was told
    nothing. Its scores are the same everywhere: `sure` for the output that comes next, else 0.
    """

    name, device = "told", "cpu"

    def __init__(self, pairs: Mapping[int, list[WordPair]], sure: float = 8.0) -> None:
        self.written = {n: PairGrammar(SYMBOLS, n).write(each) for n, each in pairs.items()}
        self.sure = sure

    def run(self, arrays: Arrays) -> Arrays:
        words, prefix = arrays["words"], arrays[PREFIX]
        out = np.zeros((*prefix.shape, SYMBOLS + words.shape[1]), np.float32)
        for row, count in enumerate((words > 0).sum(axis=1)):
            for step, output in enumerate(self.written.get(int(count), [0])[: prefix.shape[1]]):
                out[row, step, output] = self.sure
        return {LAYER: out}


def told(*pairs: tuple[int, int, str], words: int = 4, sure: float = 8.0) -> Model:
    each = [WordPair(a, b, LABELS.index(label)) for a, b, label in pairs]
    return Model({}, task(), Told({words: each}, sure))


# -- what is to be written -----------------------------------------------------------------------


def test_the_symbols_are_the_labels_of_training() -> None:
    assert PAIRS.layers(LEARNT) == {LAYER: ("</s>", ";", *LABELS)}
    with pytest.raises(DataError, match="no training example has an aspect"):
        PAIRS.layers([example("We ate.")])


def test_aspects_are_written_in_the_order_of_the_text() -> None:
    text = "The onion soup was cold, the view great."
    given = example(text, (29, 33, "positive"), (4, 14, "negative"))
    (item,) = PAIRS.items([given], task(), strict=True)
    soup, view = SYMBOLS + 1, SYMBOLS + 7
    expected = [soup, soup + 1, 2, 1, view, 4, 0]
    assert item.gold[LAYER].tolist() == expected
    assert item.window.arrays[PREFIX].tolist() == to_prefix(expected[:-1]).tolist()
    assert item.window.words[7] == "view"


def test_a_text_without_aspects_ends_at_once() -> None:
    (item,) = PAIRS.items([example("We ate.")], task(), strict=True)
    assert item.gold[LAYER].tolist() == [0]
    assert item.window.arrays[PREFIX].tolist() == [1]


def test_each_sentence_has_its_own_pairs() -> None:
    text = "Nice view. No. The soup was cold."
    given = example(text, (5, 9, "positive"), (19, 23, "negative"))
    items = PAIRS.items([given], task(), strict=True)
    assert [item.gold[LAYER].tolist() for item in items] == [[6, 4, 0], [0], [6, 2, 0]]


def test_a_batch_pads_gold_by_steps_and_words_by_time() -> None:
    given = [example("The soup was cold", (4, 8, "negative")), example("We ate.")]
    made = task()
    batch = collator(made)(PAIRS.items(given, made, strict=True))
    assert batch["gold_" + LAYER].tolist() == [[6, 2, 0], [0, IGNORED, IGNORED]]
    assert batch[PREFIX].tolist() == [[1, 8, 4], [1, 0, 0]]
    assert batch["words"].shape == (2, 4)


def counts(given: Example, made: Pairs) -> tuple[int, int, int, int]:
    found = targets(given, made.encode(given.item), made.labels)
    return found.exact, found.widened, found.overlapping, found.parted


def test_an_aspect_that_cuts_a_word_is_widened() -> None:
    given = example("The soups were cold", (4, 8, "negative"))
    made = task()
    assert targets(given, made.encode(given.item), LABELS).windows == [[WordPair(1, 2, 0)]]
    assert counts(given, made) == (0, 1, 0, 0)


def test_of_aspects_that_share_words_the_first_is_written() -> None:
    text = "The onion soup was cold"
    given = example(text, (10, 14, "neutral"), (4, 14, "negative"), (19, 23, "neutral"))
    made = task()
    found = targets(given, made.encode(given.item), LABELS)
    assert found.windows == [[WordPair(1, 3, 0), WordPair(4, 5, 1)]]
    assert counts(given, made) == (2, 0, 1, 0)


def test_an_aspect_across_sentences_is_left_out() -> None:
    text = "Soup of the day. Hot"
    given = example(text, (12, 20, "neutral"), (0, 4, "neutral"))
    assert counts(given, task()) == (1, 0, 0, 1)


def test_an_aspect_without_words_is_left_out() -> None:
    assert counts(example("Soup  was hot", (4, 6, "neutral")), task()) == (0, 0, 0, 1)


def test_an_unlocated_aspect_is_not_written() -> None:
    item = AspectItem("Cold soup", (Aspect("price"), Aspect("soup", 5, 9)))
    given = Example(item, (("positive", "negative"),))
    assert counts(given, task()) == (1, 0, 0, 0)
    assert targets(given, task().encode(item), LABELS).windows == [[WordPair(1, 2, 0)]]


def test_unknown_labels_are_refused_or_left_out() -> None:
    given = [example("Cold soup", (5, 9, "conflict")), example("Cold soup", (5, 9, "negative"))]
    with pytest.raises(DataError, match="f:1: label 'conflict' is not in training"):
        PAIRS.items(given, task(), strict=True)
    assert len(PAIRS.items(given, task(), strict=False)) == 1


def test_an_example_of_another_task_is_refused() -> None:
    with pytest.raises(DataError, match="f:2: pairs need a text with its aspects"):
        PAIRS.words([Example("a text", "positive", "f:2")], split_words)


# -- scores --------------------------------------------------------------------------------------

GIVEN = [
    example("The soup was cold", (4, 8, "negative")),
    example("We ate here"),
    example("Nice view , dear waiter", (5, 9, "positive"), (17, 23, "positive")),
]


def test_exact_matches_are_counted() -> None:
    model = told((1, 2, "positive"), (3, 4, "neutral"))
    model = Model(
        {}, model.task, Told({4: [WordPair(1, 2, 2), WordPair(3, 4, 1)], 5: [WordPair(1, 2, 2)]})
    )
    found = PAIRS.evaluate(model, GIVEN, seed=3)
    values = {name: (one.value, one.items) for name, one in found.measures.items()}
    assert values == {
        "pair_f1": (pytest.approx(2 / 6), 3),
        "pair_precision": (pytest.approx(1 / 3), 3),
        "pair_recall": (pytest.approx(1 / 3), 3),
        "span_f1": (pytest.approx(4 / 6), 3),
        "span_precision": (pytest.approx(2 / 3), 3),
        "span_recall": (pytest.approx(2 / 3), 3),
        "label_accuracy": (0.5, 2),
        "reachable": (1.0, 3),
    }
    assert found.measures["pair_f1"].interval is not None
    assert found.layers == {}


def test_an_aspect_that_words_cannot_say_is_a_miss() -> None:
    model = told((1, 2, "negative"))
    found = PAIRS.evaluate(model, [example("The soups were cold", (4, 8, "negative"))], seed=3)
    assert found.measures["pair_f1"].value == 0
    assert found.measures["reachable"].value == 0


def test_the_reliability_is_that_of_found_pairs() -> None:
    model = told((1, 2, "negative"), sure=2.0)
    found = PAIRS.evaluate(model, GIVEN, seed=3).reliability[LAYER]
    (pair,) = model.answer([GIVEN[0].item])[0].to_dict()["pairs"]
    assert 0.1 < pair["score"] < 0.9
    assert found.nll == pytest.approx(-np.log(pair["score"]), abs=1e-6)
    assert PAIRS.evaluate(told(), GIVEN, seed=3).reliability == {}


def test_dev_scores_are_there_where_nothing_is_found() -> None:
    assert PAIRS.dev_score(told(), GIVEN) == {
        "pair_f1": 0.0,
        "pair_recall": 0.0,
        "span_f1": 0.0,
        "span_recall": 0.0,
    }
    scores = PAIRS.dev_score(told((1, 2, "negative")), GIVEN)
    assert scores["pair_f1"] == pytest.approx(2 / 4)
    assert scores["label_accuracy"] == 1.0


def test_nothing_to_score_is_refused() -> None:
    with pytest.raises(ScoreError, match="there are no examples"):
        PAIRS.evaluate(told(), [], seed=1)
    with pytest.raises(ScoreError, match="nothing to score"):
        PAIRS.evaluate(told(), [GIVEN[1]], seed=1)


def test_steps_are_calibrated_on_the_gold_path() -> None:
    model = told((1, 2, "negative"), sure=2.0)
    probabilities, gold = PAIRS.calibration(model, GIVEN[:2])[LAYER]
    assert gold.tolist() == [6, 2, 0, 0]  # soup, negative, end; end
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    sure = np.exp(2)
    expected = [sure / (sure + 4), sure / (sure + 3), sure / (sure + 1), sure / (sure + 3)]
    np.testing.assert_allclose(probabilities[np.arange(4), gold], expected, rtol=1e-6)
    assert (probabilities[0] > 0).tolist() == [True, *[False] * 4, True, True, True, True]


def test_golden_items_are_texts_and_some_of_them_as_words() -> None:
    texts = [f"Text {i}." for i in range(6)]
    assert PAIRS.golden(texts)[:6] == texts
    assert PAIRS.golden(texts)[6:] == [["Text", str(i), "."] for i in range(4)]
