"""A text that remembers its words: split once a splitter, by whichever thread asks first."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from nlp.errors import TextError
from nlp.tasks.base import AspectItem
from nlp.text import SplitText, Words, shared, split_words, splitter

TEXT = "Don't forget: the café opens at 7:30!"


class Counting:
    """A splitter that takes its time and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, text: str) -> Words:
        self.calls += 1
        time.sleep(0.01)
        return split_words(text)


def test_it_is_the_text_and_has_its_words() -> None:
    text = SplitText(TEXT)
    assert text == TEXT
    assert hash(text) == hash(TEXT)
    assert splitter("words")(text) == split_words(TEXT)
    assert AspectItem(text).text.isascii() is False


def test_every_splitter_splits_once() -> None:
    text, first, second = SplitText(TEXT), Counting(), Counting()
    for split in (shared(first), shared(first), shared(second)):
        assert split(text) == split_words(TEXT)
    assert (first.calls, second.calls) == (1, 1)
    shared(first)(TEXT)
    assert first.calls == 2  # a plain text remembers nothing


def test_threads_wait_for_the_one_that_splits() -> None:
    text, counting = SplitText(TEXT), Counting()
    split = shared(counting)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: split(text), range(8)))
    assert counting.calls == 1
    assert all(words is found[0] for words in found)


def test_a_text_that_cannot_be_split_cannot_be_split_twice() -> None:
    text = SplitText("lone \ud800")
    for _ in range(2):
        with pytest.raises(TextError, match="U\\+D800"):
            splitter("words")(text)
