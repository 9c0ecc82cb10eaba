"""The six features of a review by which the lecture introduces logistic regression.

    x1  how many words of the positive lexicon it holds
    x2  how many words of the negative lexicon
    x3  1 if the word "no" occurs in it, else 0
    x4  how many pronouns of the first and second person it holds
    x5  1 if an exclamation mark occurs in it, else 0
    x6  the natural logarithm of its number of words

The lecture's worked review has 66 words only if its punctuation marks are counted, a clitic ('s,
n't) is part of its word, and "second-rate" is one word; so that is how words are counted here.

Lexicon: Hu and Liu (2004), "Mining and Summarizing Customer Reviews", unless a file replaces it.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nlp.text import split_words
from nlp.vocabulary import normal_form

LECTURE: Final = ("positive", "negative", "no", "pronoun", "exclamation", "log_words")
"""The features' names, in the order of the lecture."""
POLARITIES: Final = LECTURE[:2]

_FIRST: Final = ("i", "me", "my", "mine", "myself", "we", "us", "our", "ours", "ourselves")
_SECOND: Final = ("you", "your", "yours", "yourself", "yourselves")
PRONOUNS: Final = frozenset((*_FIRST, *_SECOND))
NEGATIONS: Final = frozenset(("not", "n't", "no", "never"))
_CLITICS: Final = frozenset(("n't", "'s", "'m", "'d", "'re", "'ve", "'ll"))
_CLAUSE_ENDS: Final = frozenset(".,;:!?()…")
_HYPHEN: Final = "-"


@dataclass(frozen=True, slots=True)
class Fired:
    """Words that a feature counted: those of the places `start` to `end`, half-open."""

    start: int
    end: int
    feature: str


@dataclass(frozen=True, slots=True)
class Lecture:
    """values: (6,) float32, in the order of `LECTURE`. fired: by place."""

    values: NDArray[np.float32]
    fired: tuple[Fired, ...]


class Lexicon:
    """Opinion words by polarity, in lower case. A word may have both polarities.

    An entry that the splitter cuts ("second-rate") is found as that run of words; the longest
    entry at a place wins. negation: an opinion word counts for the other polarity when not, n't,
    no or never stands before it in its clause; a clause ends at a punctuation mark or at "but".
    """

    def __init__(
        self, positive: Iterable[str], negative: Iterable[str], *, negation: bool = False
    ) -> None:
        self.words = {"positive": tuple(positive), "negative": tuple(negative)}
        self.negation = negation
        self._entries: dict[tuple[str, ...], dict[str, None]] = {}
        self._longest: dict[str, int] = {}
        for polarity, words in self.words.items():
            for word in words:
                self._add(word, polarity)

    def _add(self, word: str, polarity: str) -> None:
        entry = tuple(_forms(split_words(word).words))
        if entry:
            polarities = self._entries.setdefault(entry, {})
            polarities[polarity] = None
            self._longest[entry[0]] = max(self._longest.get(entry[0], 0), len(entry))

    def find(self, forms: Sequence[str]) -> Iterator[Fired]:
        """Opinion words of the text, by place, with the polarity they count for."""
        negated, place = False, 0
        while place < len(forms):
            negated = self.negation and _goes_on(negated, forms[place])
            polarities, end = self._match(forms, place)
            for polarity in polarities:
                yield Fired(place, end, _other(polarity) if negated else polarity)
            place = end

    def _match(self, forms: Sequence[str], place: int) -> tuple[Iterable[str], int]:
        """Polarities of the longest entry at the place, and the place behind it."""
        for length in range(self._longest.get(forms[place], 0), 0, -1):
            found = self._entries.get(tuple(forms[place : place + length]))
            if found is not None:
                return found, place + length
        return (), place + 1


def lecture_features(words: Sequence[str], lexicon: Lexicon) -> Lecture:
    """The six features of a text, and which of its words they counted."""
    forms = _forms(words)
    fired = [*lexicon.find(forms), *_small_words(forms)]
    fired.sort(key=lambda one: (one.start, LECTURE.index(one.feature)))
    counts = {name: sum(one.feature == name for one in fired) for name in LECTURE[:-1]}
    for flag in ("no", "exclamation"):
        counts[flag] = min(counts[flag], 1)
    values = [*counts.values(), math.log(max(1, count_words(forms)))]
    return Lecture(np.array(values, np.float32), tuple(fired))


def count_words(forms: Sequence[str]) -> int:
    """Words and punctuation marks; a clitic is part of its word, as is what a hyphen joins."""
    hyphens = sum(
        forms[i] == _HYPHEN and _is_word(forms[i - 1]) and _is_word(forms[i + 1])
        for i in range(1, len(forms) - 1)
    )
    return len(forms) - sum(form in _CLITICS for form in forms) - 2 * hyphens


def _forms(words: Iterable[str]) -> list[str]:
    return [normal_form(word, lowercase=True) for word in words]


def _small_words(forms: Sequence[str]) -> Iterator[Fired]:
    for place, form in enumerate(forms):
        if form == "no":
            yield Fired(place, place + 1, "no")
        elif form in PRONOUNS:
            yield Fired(place, place + 1, "pronoun")
        elif "!" in form:
            yield Fired(place, place + 1, "exclamation")


def _goes_on(negated: bool, form: str) -> bool:
    """Whether what stands behind this word is negated."""
    return form in NEGATIONS or (negated and form != "but" and form[:1] not in _CLAUSE_ENDS)


def _other(polarity: str) -> str:
    return POLARITIES[1 - POLARITIES.index(polarity)]


def _is_word(form: str) -> bool:
    return any(character.isalnum() for character in form)
