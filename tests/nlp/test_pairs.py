"""Pairs by constrained beam search, against every set of pairs of a short text."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pair_sets import every_set

from nlp.decoding import Floats, log_softmax
from nlp.errors import ModelError, TextError
from nlp.features import Features, Integers
from nlp.model import Model
from nlp.pair_grammar import PairGrammar, WordPair, symbols_of, to_prefix
from nlp.search import length_penalty
from nlp.tasks.base import Arrays, Aspect, AspectItem, Item, OnePass, Task
from nlp.tasks.pairs import LAYER, MOST_STEPS, PREFIX, Pairs, PairsAnswer, PairsSearch
from nlp.tasks.table import TASKS, Parts
from nlp.text import split_words
from nlp.vocabulary import build_vocabulary

SYMBOLS = symbols_of(["negative", "positive"])
WORDS = ("the", "soup", "was", "cold", ".", "nice", "view", "!", "menu")
FOUR = "the soup was cold"
EVERYTHING = 10_000
"""A beam that no search below fills."""


class Dice:
    """A runtime whose every step is random, yet a function of the seed, the words and the prefix:
    no two prefixes are alike, which is the worst that a search may meet.
    """

    name, device = "dice", "cpu"

    def __init__(self, seed: int, *, scale: float = 2.0, end: float = 0.0) -> None:
        self.seed, self.scale, self.end = seed, scale, end
        self.thrown: dict[tuple[int, ...], Floats] = {}

    def run(self, arrays: Arrays) -> Arrays:
        rows = zip(arrays["words"], arrays[PREFIX], strict=True)
        size = len(SYMBOLS) + arrays["words"].shape[1]
        steps = [
            [self.step(words, prefix[:n], size) for n in _counted(prefix)] for words, prefix in rows
        ]
        return {LAYER: np.array(steps, np.float32)}

    def step(self, words: Integers, prefix: Integers, size: int) -> Floats:
        length = int(np.count_nonzero(words))
        place = (length, *map(int, words[:length]), *map(int, prefix))
        if place not in self.thrown:
            logits = np.random.default_rng([self.seed, *place]).normal(
                scale=self.scale, size=len(SYMBOLS) + length
            )
            logits[0] += self.end
            self.thrown[place] = logits
        filler = size - len(SYMBOLS) - length
        return np.pad(self.thrown[place], (0, filler), constant_values=99.0)  # never to be read


def _counted(prefix: Integers) -> range:
    return range(1, len(prefix) + 1)


def task(**choices: float) -> Pairs:
    vocabulary = build_vocabulary(WORDS, lowercase=True)
    made = Pairs(SYMBOLS, split_words, vocabulary, Features(("words", PREFIX)), 6)
    return replace(made, **choices)  # type: ignore[arg-type]


def model(seed: int, *, scale: float = 2.0, end: float = 0.0, **choices: float) -> Model:
    return Model({}, task(**choices), Dice(seed, scale=scale, end=end))


def log_probabilities(dice: Dice, pairs: Pairs, text: str, written: Sequence[int]) -> list[float]:
    """Of each output, by the grammar alone: what a forbidden one had goes to the allowed ones."""
    ids = pairs.vocabulary.ids(split_words(text).words)
    grammar = PairGrammar(len(SYMBOLS), len(ids))
    found = []
    for n, output in enumerate(written):
        logits = dice.step(ids, to_prefix(written[:n]), grammar.size).astype(np.float32)
        allowed = np.flatnonzero(grammar.allowed(written[:n])).tolist()
        chances = log_softmax(logits[allowed].astype(np.float64) / pairs.temperature)
        found.append(float(chances[allowed.index(output)]))
    return found


def answer(made: Model, text: str) -> PairsAnswer:
    (found,) = made.answer([text])
    assert isinstance(found, PairsAnswer)
    return found


# -- the search ----------------------------------------------------------------------------------


@settings(max_examples=6)
@given(
    seed=st.integers(0, 10_000),
    alpha=st.sampled_from([0.0, 0.6, 1.5]),
    temperature=st.sampled_from([0.7, 1.0, 2.0]),
    end=st.sampled_from([0.0, -4.0]),
)
def test_a_wide_beam_finds_the_best_of_all_sets_of_pairs(
    seed: int, alpha: float, temperature: float, end: float
) -> None:
    made = model(
        seed, end=end, beam=EVERYTHING, length_penalty=alpha, temperature=temperature, n_best=3
    )
    dice, pairs = made.runtime, made.task
    assert isinstance(dice, Dice)
    assert isinstance(pairs, Pairs)
    grammar = PairGrammar(len(SYMBOLS), 4)
    values = {}
    for each in every_set(0, 4, 2):
        written = grammar.write(each)
        total = sum(log_probabilities(dice, pairs, FOUR, written))
        values[each] = total / length_penalty(len(written), alpha)
    ranked = sorted(values, key=values.__getitem__, reverse=True)
    ((encoded, rows),) = made.read([FOUR])
    for place in range(3):
        (found,) = pairs.ranges(pairs.encode(FOUR), rows, place=place)
        assert tuple(pair for pair, _ in found) == ranked[place]
    assert pairs.ranges(pairs.encode(FOUR), rows, place=3) == [[]]
    best = grammar.write(ranked[0])
    score = exp(sum(log_probabilities(dice, pairs, FOUR, best)))
    assert pairs.decode(encoded, rows).score == pytest.approx(score, rel=1e-5)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), beam=st.integers(1, 5), end=st.sampled_from([0.0, -3.0]))
def test_only_valid_pairs_come_out_however_narrow_the_beam(
    seed: int, beam: int, end: float
) -> None:
    made = model(seed, end=end, scale=6.0, beam=beam)
    found = answer(made, FOUR)
    starts = split_words(FOUR).starts
    pairs = tuple(
        WordPair(
            starts.index(pair.start or 0),
            starts.index(pair.start or 0) + len(pair.text.split()),
            made.task.layers[LAYER].index(pair.label) - 2,
        )
        for pair in found.pairs
    )
    assert pairs in set(every_set(0, 4, 2))


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_a_score_is_the_product_of_its_steps(seed: int) -> None:
    made = model(seed, end=-4.0)
    ((encoded, rows),) = made.read([FOUR])
    found = made.decode(encoded, rows)
    assert isinstance(found, PairsAnswer)
    assert isinstance(made.task, Pairs)
    (ranges,) = made.task.ranges(made.task.encode(FOUR), rows)
    grammar = PairGrammar(len(SYMBOLS), 4)
    written = grammar.write([pair for pair, _ in ranges])
    steps = log_probabilities(Dice(seed, end=-4.0), made.task, FOUR, written)
    for pair, (_, where) in zip(found.pairs, grammar.read(written), strict=True):
        expected = sum(steps[step] for step in where)
        assert log(pair.score) == pytest.approx(expected, abs=1e-4)


def test_a_beam_of_one_is_greedy() -> None:
    for seed in range(5):
        made, dice = model(seed, beam=1), Dice(seed)
        ids = made.task.encode(FOUR).windows[0].ids
        grammar, written = PairGrammar(len(SYMBOLS), 4), list[int]()
        while not written or written[-1] != 0:
            logits = dice.step(ids, to_prefix(written), grammar.size)
            written.append(int(np.where(grammar.allowed(written), logits, -np.inf).argmax()))
        ((_, rows),) = made.read([FOUR])
        assert rows[0]["written"][0].tolist() == written


def test_searches_of_many_texts_share_batches_and_answer_as_alone() -> None:
    made = model(3, end=-2.0)
    texts = [FOUR, "nice view !", "", "menu", "the view . the soup was cold . nice !"]
    together = [one.to_dict() for one in made.answer(texts)]
    assert together == [made.answer([text])[0].to_dict() for text in texts]


class Never:
    """A runtime that always goes on: to the next word, or after each to the label first."""

    name, device = "never", "cpu"

    def __init__(self, label: float) -> None:
        self.label = label

    def run(self, arrays: Arrays) -> Arrays:
        words = -np.arange(arrays["words"].shape[1], dtype=np.float32)
        row = np.concatenate([np.array([-1e6, 0.0, self.label, self.label], np.float32), words])
        steps = np.broadcast_to(row, (*arrays[PREFIX].shape, len(row)))
        return {LAYER: steps}


@pytest.mark.parametrize(("label", "pairs"), [(-1e5, 0), (1.0, MOST_STEPS // 3)])
def test_a_text_that_never_ends_is_stopped(label: float, pairs: int) -> None:
    made = Model({}, replace(task(beam=2), window_tokens=200), Never(label))
    ((encoded, rows),) = made.read([" ".join(["soup"] * 150)])
    assert rows[0]["written"].shape == (1, MOST_STEPS)
    assert rows[0]["written"].min() > 0
    found = made.decode(encoded, rows)
    assert isinstance(found, PairsAnswer)
    assert [pair.text for pair in found.pairs] == ["soup"] * pairs


def test_a_search_that_has_ended_wants_nothing() -> None:
    made = model(1)
    assert isinstance(made.task, Pairs)
    search = PairsSearch(made.task, made.task.encode(FOUR).windows)
    made.run([search])
    assert list(search.wanted()) == []
    assert len(search.rows()) == 1
    assert not PairsSearch(made.task, ()).wanted()


# -- the text ------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    pieces=st.lists(
        st.sampled_from([*WORDS, "Né\u00e9", "👍🏽", "  ", "\n\n", "3.5"]), max_size=25
    ),
    seed=st.integers(0, 99),
)
def test_a_pair_is_the_text_from_its_start_to_its_end(pieces: list[str], seed: int) -> None:
    text = " ".join(pieces)
    found = answer(model(seed, end=-3.0, beam=2), text)
    assert found.windows == len(task().encode(text).windows)
    last = 0
    for pair in found.pairs:
        assert pair.start is not None
        assert pair.end is not None
        assert last <= pair.start < pair.end
        assert text[pair.start : pair.end] == pair.text == pair.text.strip()
        assert 0 < pair.score <= 1
        last = pair.end


def test_sentences_are_read_one_by_one_and_long_ones_in_parts() -> None:
    text = "nice view ! the soup was cold . the menu was the menu was cold , the soup ."
    made = model(11, end=-4.0)
    encoded = task().encode(text)
    assert [len(w.words) for w in encoded.windows] == [3, 5, 6, 5]
    assert encoded.starts == [0, 3, 8, 14]
    alone = [answer(made, part) for part in ("nice view !", "the soup was cold .")]
    found = answer(made, text)
    offsets = [0, text.index("the")]
    expected = [
        replace(pair, start=(pair.start or 0) + offset, end=(pair.end or 0) + offset)
        for part, offset in zip(alone, offsets, strict=True)
        for pair in part.pairs
    ]
    assert len(expected) > 1
    for one, other in zip(found.pairs, expected, strict=False):
        assert replace(one, score=other.score) == other
        assert one.score == pytest.approx(other.score)


def test_given_aspects_change_nothing() -> None:
    made = model(2, end=-4.0)
    with_aspects = AspectItem(FOUR, (Aspect("soup", 4, 8),))
    assert made.answer([with_aspects]) == made.answer([FOUR])


def test_words_come_back_as_words_without_places() -> None:
    made = model(2, end=-4.0)
    (found,) = made.answer([FOUR.split()])
    assert isinstance(found, PairsAnswer)
    assert found.pairs
    assert [(p.start, p.end) for p in found.pairs] == [(None, None)] * len(found.pairs)
    assert [p.text for p in found.pairs] == [p.text for p in answer(made, FOUR).pairs]


def test_a_text_without_words_has_no_pairs() -> None:
    nothing: tuple[Item, ...] = ("", "  \n", [])
    for item in nothing:
        (found,) = model(0).answer([item])
        assert found.to_dict() == {"pairs": [], "score": 1.0, "windows": 0}


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(TextError, match="surrogate"):
        task().encode("soup \ud800")


def test_the_answer_as_plain_values() -> None:
    made = model(2, end=-4.0)
    found = answer(made, FOUR)
    values = found.to_dict()
    assert list(values) == ["pairs", "score", "windows"]
    first = found.pairs[0]
    assert values["pairs"][0] == {
        "text": first.text,
        "start": first.start,
        "end": first.end,
        "label": first.label,
        "score": first.score,
    }


# -- windows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 9, 40, 300])
def test_a_probe_has_written_what_may_be_written(count: int) -> None:
    made = task()
    window = made.probe([WORDS[i % len(WORDS)] for i in range(count)])
    written = [int(i) - 2 for i in window.arrays[PREFIX][1:]]
    grammar = PairGrammar(len(SYMBOLS), count)
    assert 0 < len(written) <= MOST_STEPS
    assert all(grammar.allowed(written[:n])[written[n]] for n in range(len(written)))


def test_an_unwritten_window_gives_the_first_step() -> None:
    made = model(5)
    window = made.task.encode(FOUR).windows[0]
    read = OnePass([window])
    made.run([read])
    assert isinstance(made.task, Pairs)
    scores = made.task.step_scores(read.rows()[0], window, [])
    assert np.exp(scores).sum() == pytest.approx(1)
    assert np.flatnonzero(np.isfinite(scores)).tolist() == [0, 4, 5, 6, 7]


# -- from a manifest -----------------------------------------------------------------------------


def built(layers: Mapping[str, tuple[str, ...]]) -> Task:
    words = (split_words, task().vocabulary, Features(("words", PREFIX)))
    return TASKS["pairs"](Parts(layers, *words, 40, {LAYER: 1.5}))


def test_a_manifest_makes_the_task() -> None:
    made = built({LAYER: SYMBOLS})
    assert isinstance(made, Pairs)
    assert (made.labels, made.window_tokens, made.temperature) == (SYMBOLS[2:], 40, 1.5)
    assert made.layers == {LAYER: SYMBOLS}


def test_layers_of_another_task_are_refused() -> None:
    with pytest.raises(ModelError, match="a pairs model has one layer, 'pairs'; not"):
        built({"sentiment": ("negative", "positive")})
    with pytest.raises(ModelError, match="and then its labels"):
        built({LAYER: ("negative", "positive")})
