"""Windows and their gold labels, batches of them, and the order they come in."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import REVIEWS, TAGGED

from nlp.features import Features
from nlp.tasks.base import Example, Task
from nlp.tasks.sentiment import Sentiment
from nlp.tasks.tagging import Tagging
from nlp.text import split_words
from nlp.vocabulary import PAD, build_vocabulary
from training.errors import DataError
from training.items import GOLD, IGNORED, BucketSampler, Item, collator
from training.tasks.sentiment import SENTIMENT
from training.tasks.tagging import TAGGING

WORDS = [word for text, _ in REVIEWS for word in split_words(text).words]
VOCABULARY = build_vocabulary(
    [*WORDS, *(word for words, _, _ in TAGGED for word in words)], lowercase=True
)
UPOS = ("ADJ", "AUX", "DET", "NOUN", "NUM", "PRON", "PROPN", "PUNCT", "VERB")
XPOS = tuple(sorted({tag for _, _, tags in TAGGED for tag in tags}))


def sentiment(window_tokens: int = 256) -> Task:
    labels = ("negative", "positive")
    return Sentiment(labels, split_words, VOCABULARY, Features(("words",)), window_tokens)


def tagging(window_tokens: int = 256, **layers: tuple[str, ...]) -> Task:
    tags = layers or {"upos": UPOS, "xpos": XPOS}
    return Tagging(tags, split_words, VOCABULARY, Features(("words", "shapes")), window_tokens)


def items_of(examples: Sequence[Example], task: Task) -> list[Item]:
    trained = SENTIMENT if isinstance(task, Sentiment) else TAGGING
    return trained.items(examples, task, strict=True)


def tagged_examples() -> list[Example]:
    return [Example(words, (upos, xpos)) for words, upos, xpos in TAGGED]


def test_a_text_has_one_label_in_each_of_its_windows() -> None:
    text = "The soup was cold. The waiter was rude. We left."
    (first, *others) = items_of([Example(text, "negative")], sentiment(5))
    assert [len(item.window.words) for item in (first, *others)] == [5, 5, 3]
    assert all(item.gold["sentiment"] == 0 for item in (first, *others))


@pytest.mark.parametrize("window_tokens", [1, 2, 3, 256])
def test_each_tag_stays_with_its_word(window_tokens: int) -> None:
    """However a sentence is cut, the gold of each window is that of its own words."""
    task, examples = tagging(window_tokens), tagged_examples()
    found: list[tuple[str, str, str]] = []
    for item in items_of(examples, task):
        assert item.window.length <= window_tokens
        tags = zip(item.gold["upos"], item.gold["xpos"], strict=True)
        named = [(UPOS[upos], XPOS[xpos]) for upos, xpos in tags]
        found += [(w, *pair) for w, pair in zip(item.window.words, named, strict=True)]
    assert found == [row for words, *tags in TAGGED for row in zip(words, *tags, strict=True)]


def test_a_layer_that_the_task_lacks_is_left_out() -> None:
    items = items_of(tagged_examples(), tagging(upos=UPOS))
    assert all(set(item.gold) == {"upos"} for item in items)


def test_an_unknown_label_is_refused_with_its_place() -> None:
    strange = Example("Neither here nor there.", "mixed", "reviews.csv:7")
    message = r"^reviews\.csv:7: label 'mixed' is not in training; known: negative, positive$"
    with pytest.raises(DataError, match=message):
        items_of([strange], sentiment())
    assert SENTIMENT.items([strange], sentiment(), strict=False) == []


def test_an_unknown_tag_is_refused_with_its_place() -> None:
    strange = Example(("Wow", "!"), (("INTJ", "PUNCT"), ("UH", ".")), "speech.conllu:3")
    with pytest.raises(DataError, match=r"^speech\.conllu:3: label 'INTJ' is not in training"):
        items_of([strange], tagging())
    known = TAGGING.items([strange, *tagged_examples()], tagging(), strict=False)
    assert len(known) == len(TAGGED)


def test_gold_by_layer() -> None:
    assert SENTIMENT.gold(Example("Fine.", "positive"), sentiment()) == {"sentiment": ("positive",)}
    gold = (("PROPN", "AUX"), ("NNP", "VBZ"))
    found = TAGGING.gold(Example(("Rome", "is"), gold), tagging())
    assert found == dict(zip(("upos", "xpos"), gold, strict=True))


def test_a_batch_of_texts() -> None:
    task = sentiment()
    items = items_of([Example(text, label) for text, label in REVIEWS], task)
    batch = collator(task)(items)
    assert set(batch) == {"words", GOLD + "sentiment"}
    assert batch["words"].shape[0] == len(REVIEWS)
    assert batch[GOLD + "sentiment"].tolist() == [1] * 5 + [0] * 5


def test_a_batch_of_sentences_ignores_padding() -> None:
    """A gold id stands exactly where a word stands."""
    task = tagging()
    items = items_of(tagged_examples(), task)
    batch = collator(task)(items)
    assert set(batch) == {"words", "shapes", GOLD + "upos", GOLD + "xpos"}
    for layer in ("upos", "xpos"):
        gold = batch[GOLD + layer].numpy()
        assert gold.shape == batch["words"].shape
        assert ((gold == IGNORED) == (batch["words"].numpy() == PAD)).all()
        for row, item in zip(gold, items, strict=True):
            assert (row[: item.window.length] == item.gold[layer]).all()


lengths = st.lists(st.integers(1, 60), min_size=1, max_size=900)


def order(of: Sequence[int], size: int, *, seed: int = 3, epoch: int = 0) -> list[int]:
    sampler = BucketSampler(of, batch_size=size, seed=seed)
    sampler.set_epoch(epoch)
    return list(sampler)


@given(lengths, st.integers(1, 9), st.integers(0, 2**32 - 1), st.integers(0, 50))
def test_each_place_comes_once(of: list[int], size: int, seed: int, epoch: int) -> None:
    assert sorted(order(of, size, seed=seed, epoch=epoch)) == list(range(len(of)))
    assert len(BucketSampler(of, batch_size=size, seed=seed)) == len(of)


@given(lengths, st.integers(1, 9), st.integers(0, 99))
def test_the_order_depends_on_seed_and_epoch_alone(of: list[int], size: int, epoch: int) -> None:
    """What was drawn before (an epoch of this run, or of another one) does not matter."""
    fresh = order(of, size, epoch=epoch)
    used = BucketSampler(of, batch_size=size, seed=3)
    used.set_epoch(epoch + 1)
    np.random.default_rng().random(5)
    list(used)
    used.set_epoch(epoch)
    assert list(used) == fresh


def test_epochs_and_seeds_differ() -> None:
    of = list(range(1, 200))
    orders = {tuple(order(of, 4, seed=s, epoch=e)) for s in range(3) for e in range(3)}
    assert len(orders) == 9


@given(lengths, st.integers(10, 40))
def test_only_the_last_batch_is_short(of: list[int], size: int) -> None:
    """Batches are cut from the order as it comes: a short one amid would shift all behind it, and
    mix lengths. So the batches of one pool do not overlap in length, and the last is the rest.
    """
    batches = [[of[i] for i in batch] for batch in _batches(order(of, size), size)]
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    ordered = sorted((min(batch), max(batch)) for batch in batches)
    steps = itertools.pairwise(ordered)
    assert all(longest <= shortest for (_, longest), (shortest, _) in steps)


def test_short_batches_of_several_pools_come_last() -> None:
    """210 places in batches of 2 make two pools of 105: each leaves one place over."""
    of = [1] * 105 + [60] * 105
    found = _batches(order(of, 2), 2)
    mixed = [batch for batch in found if len({of[i] for i in batch}) > 1]
    assert len(mixed) <= 3, "two where a pool's lengths change, one made of what was left over"


def test_neighbours_are_of_like_length() -> None:
    """A tenth of the padding that an order by chance costs, or less."""
    of = np.random.default_rng(0).integers(1, 50, 1600).tolist()
    padded = [max(of[i] for i in found) * 16 for found in _batches(order(of, 16), 16)]
    chance = np.random.default_rng(1).permutation(1600).tolist()
    by_chance = [max(of[i] for i in found) * 16 for found in _batches(chance, 16)]
    assert sum(padded) - sum(of) < 0.1 * (sum(by_chance) - sum(of))


def _batches(places: list[int], size: int) -> list[list[int]]:
    return [places[i : i + size] for i in range(0, len(places), size)]
