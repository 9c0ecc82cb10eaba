"""Words to integer ids. Id 0 is padding, id 1 the unknown word."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nlp.errors import ModelError

PAD: Final = 0
UNKNOWN: Final = 1
SPECIALS: Final = ("<pad>", "<unk>")
END: Final = "</s>"
"""The word that ends a text for a language model, and from which it starts the next one."""

_TYPOGRAPHY: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"})
_LENGTHENED: Final = re.compile(r"(.)\1{2,}")


class Vocabulary:
    """An ordered list of words. The first `trained` ids (specials included) were seen in training;
    those behind them come from pretrained vectors alone.
    """

    def __init__(self, words: Sequence[str], *, trained: int, lowercase: bool) -> None:
        if tuple(words[:2]) != SPECIALS:
            raise ModelError(f"a vocabulary must begin with {' and '.join(SPECIALS)}")
        self.words = tuple(words)
        self.trained = trained
        self.lowercase = lowercase
        self._ids = {word: i for i, word in enumerate(self.words)}
        if len(self._ids) != len(self.words):
            raise ModelError("a vocabulary must not hold a word twice")
        if not len(SPECIALS) <= trained <= len(self.words):
            raise ModelError(f"trained is {trained}; it counts the first of {len(self)} words")
        for special in SPECIALS:  # as a word of a text it is unknown: padding ends a row
            self._ids[special] = UNKNOWN

    def __len__(self) -> int:
        return len(self.words)

    def id(self, word: str) -> int:
        """The word's id: as written, else with lengthening undone (soooo -> soo, so)."""
        form = normal_form(word, lowercase=self.lowercase)
        found = self._ids.get(form)
        return self._squeezed(form) if found is None else found

    def ids(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Shape: (len(words),)."""
        return np.array([self.id(word) for word in words], dtype=np.int64)

    def knows(self, word: str) -> bool:
        """True where the word, as written, stood in the training split."""
        form = normal_form(word, lowercase=self.lowercase)
        return UNKNOWN < self._ids.get(form, UNKNOWN) < self.trained

    def save(self, path: Path) -> None:
        path.write_text("".join(word + "\n" for word in self.words), encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: Path, *, trained: int, lowercase: bool) -> "Vocabulary":
        """Raises ModelError for a file that is no vocabulary."""
        if not path.is_file():
            raise ModelError(f"{path.name} is missing")
        try:  # as bytes: reading as text would turn a carriage return into a line end
            words = path.read_bytes().decode("utf-8").split("\n")[:-1]
        except UnicodeDecodeError:
            raise ModelError(f"{path.name} is not UTF-8") from None
        return cls(words, trained=trained, lowercase=lowercase)

    def _squeezed(self, form: str) -> int:
        if not _LENGTHENED.search(form):
            return UNKNOWN
        twice, once = _LENGTHENED.sub(r"\1\1", form), _LENGTHENED.sub(r"\1", form)
        return self._ids.get(twice, self._ids.get(once, UNKNOWN))


def normal_form(word: str, *, lowercase: bool) -> str:
    """The form a word is looked up by: straight quotes and, by choice, lower case."""
    if not word.isascii():
        word = word.translate(_TYPOGRAPHY)
    return word.lower() if lowercase else word


def build_vocabulary(
    words: Iterable[str],
    *,
    lowercase: bool,
    min_count: int = 1,
    max_words: int | None = None,
    extra: Iterable[str] = (),
) -> Vocabulary:
    """The training split's words by falling frequency (ties by spelling), then `extra` ones."""
    counts = Counter(normal_form(word, lowercase=lowercase) for word in words)
    for special in SPECIALS:
        counts.pop(special, None)
    frequent = [word for word, count in counts.items() if count >= min_count and "\n" not in word]
    frequent.sort(key=lambda word: (-counts[word], word))
    trained = [*SPECIALS, *frequent[:max_words]]
    known = set(trained)
    added = [word for word in dict.fromkeys(extra) if word not in known and "\n" not in word]
    return Vocabulary([*trained, *added], trained=len(trained), lowercase=lowercase)
