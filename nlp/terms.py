"""What linear models read of a text: its n-grams and how often each occurs, the lecture's features.

terms    (n,) int64    ids of the text's distinct known n-grams, from 1; 0 is padding
counts   (n,) float32  how often each occurs
lecture  (6,) float32  see `nlp.lecture_features`

Training counts with these very functions, so that what is served is what was learnt from.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nlp.errors import ModelError
from nlp.lecture_features import POLARITIES, Lecture, Lexicon, lecture_features
from nlp.vocabulary import normal_form

KIND: Final = "linear"
TERMS: Final = "terms.txt"
STOP_WORDS: Final = "stop-words.txt"
LONGEST_NGRAM: Final = 5


@dataclass(frozen=True, slots=True)
class Grams:
    """How words become n-grams: in lower case or not, without stop words, runs of 1 to `longest`.

    Stop words are taken out first, as in scikit-learn, so a run may reach over one.
    """

    longest: int = 1
    lowercase: bool = True
    stop_words: AbstractSet[str] = frozenset()

    def __call__(self, words: Iterable[str]) -> Iterator[str]:
        """The n-grams of the words, blanks between their parts, short ones first."""
        forms = [normal_form(word, lowercase=self.lowercase) for word in words]
        kept = [form for form in forms if form not in self.stop_words]
        yield from kept
        for length in range(2, self.longest + 1):
            for start in range(len(kept) - length + 1):
                yield " ".join(kept[start : start + length])


class Terms:
    """The n-grams a model knows, numbered from 1 in their order."""

    def __init__(self, names: Sequence[str], grams: Grams) -> None:
        self.names = tuple(names)
        self.grams = grams
        self._ids = {name: i for i, name in enumerate(self.names, 1)}
        if not self.names or len(self._ids) != len(self.names):
            raise ModelError(f"{TERMS} must hold distinct terms, at least one")

    def arrays(self, words: Iterable[str]) -> dict[str, NDArray[Any]]:
        """`terms` and `counts` of a text: its distinct known terms in order of first occurrence."""
        counts: dict[int, int] = {}
        for gram in self.grams(words):
            found = self._ids.get(gram)
            if found is not None:
                counts[found] = counts.get(found, 0) + 1
        return {
            "terms": np.array(list(counts), np.int64),
            "counts": np.array(list(counts.values()), np.float32),
        }


@dataclass(frozen=True, slots=True)
class LinearExtractor:
    """Terms, the lecture's six features, or both."""

    terms: Terms | None = None
    lexicon: Lexicon | None = None

    def __post_init__(self) -> None:
        if self.terms is None and self.lexicon is None:
            raise ModelError("a linear model reads terms or the lecture's features, or both")

    @property
    def names(self) -> tuple[str, ...]:
        terms = () if self.terms is None else ("terms", "counts")
        return (*terms, *(() if self.lexicon is None else ("lecture",)))

    def arrays(self, words: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        terms = {} if self.terms is None else self.terms.arrays(words)
        lecture = self.lecture(words)
        return terms if lecture is None else {**terms, "lecture": lecture.values}

    def lecture(self, words: Sequence[str]) -> Lecture | None:
        """The lecture's features of the words; None where the model does not read them."""
        return None if self.lexicon is None else lecture_features(words, self.lexicon)

    def positions(self, words: Sequence[str]) -> list[int]:
        """One a word: a window's limit counts words, however many n-grams they make."""
        return [1] * len(words)

    def options(self) -> dict[str, Any]:
        """ngrams is 0 where no terms are read."""
        grams = Grams(longest=0) if self.terms is None else self.terms.grams
        return {
            "kind": KIND,
            "ngrams": grams.longest,
            "lowercase": grams.lowercase,
            "stop_words": bool(grams.stop_words),
            "lexicon": self.lexicon is not None,
            "negation": self.lexicon is not None and self.lexicon.negation,
        }

    def save(self, folder: Path) -> None:
        """terms.txt, stop-words.txt, positive.txt, negative.txt; those that are of use."""
        if self.terms is not None:
            _write(self.terms.names, folder / TERMS)
            if self.terms.grams.stop_words:
                _write(sorted(self.terms.grams.stop_words), folder / STOP_WORDS)
        if self.lexicon is not None:
            for polarity, words in self.lexicon.words.items():
                _write(words, folder / f"{polarity}.txt")


def load_linear(options: Mapping[str, Any], folder: Path) -> LinearExtractor:
    """The extractor that `LinearExtractor.save` wrote. Raises ModelError."""
    longest = options.get("ngrams")
    if type(longest) is not int or not 0 <= longest <= LONGEST_NGRAM:
        raise ModelError(f"text.extractor.ngrams must be a whole number from 0 to {LONGEST_NGRAM}")
    lowercase, stops, lexicon, negation = (
        _flag(options, name) for name in ("lowercase", "stop_words", "lexicon", "negation")
    )
    stop_words = frozenset(_read(folder / STOP_WORDS) if stops else ())
    grams = Grams(longest, lowercase, stop_words)
    terms = Terms(_read(folder / TERMS), grams) if longest else None
    return LinearExtractor(terms, _lexicon(folder, negation) if lexicon else None)


def _lexicon(folder: Path, negation: bool) -> Lexicon:
    positive, negative = (_read(folder / f"{polarity}.txt") for polarity in POLARITIES)
    return Lexicon(positive, negative, negation=negation)


def _flag(options: Mapping[str, Any], name: str) -> bool:
    value = options.get(name)
    if not isinstance(value, bool):
        raise ModelError(f"text.extractor.{name} must be true or false")
    return value


def _write(lines: Iterable[str], path: Path) -> None:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")


def _read(path: Path) -> list[str]:
    """Lines end in a line feed and in nothing else. Raises ModelError."""
    if not path.is_file():
        raise ModelError(f"{path.name} is missing")
    try:
        return path.read_bytes().decode("utf-8").split("\n")[:-1]
    except UnicodeDecodeError:
        raise ModelError(f"{path.name} is not UTF-8") from None
