"""Words back to text as people type it, one word at a time: blanks right around punctuation, quotes
and clitics. Only blanks are decided; the words stay as they are.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal

Side = Literal["", "left", "right", "both"]
"""To which of its neighbours a word sticks without a blank; "" is neither."""

_CLITICS: Final = frozenset(["n't", "'s", "'re", "'ve", "'ll", "'d", "'m"])
_LEFT: Final = frozenset([",", ".", ";", ":", "!", "?", "%", ")", "]", "}", "...", "…", "/"])
_RIGHT: Final = frozenset(["(", "[", "{", "$", "£", "€", "#", "/"])
_PAIRS: Final = frozenset(
    [("gon", "na"), ("wan", "na"), ("got", "ta"), ("can", "not"), ("gim", "me"), ("lem", "me")]
)
_STOPS: Final = re.compile(r"[!?.,;:]+")


class Joiner:
    """Gives each word with the blank before it, where one belongs there.

    text, words: what stands already, and its words; a first word then goes on from there.
    """

    def __init__(self, text: str = "", words: Iterable[str] = ()) -> None:
        self._last = ""
        self._glued = True  # no blank goes before the first word
        self._open: set[str] = set()
        for word in words:
            self.add(word)
        self._glued = not text or text[-1].isspace() or (self._glued and bool(self._last))

    def add(self, word: str, side: Side | None = None) -> str:
        """The word, a blank before it or not; without a side it goes by what stood before."""
        if side is None:
            side = self._mark_side(word) or side_of(word, self._last)
        blank = "" if self._glued or side in ("left", "both") else " "
        self._last, self._glued = word, side in ("right", "both")
        return blank + word

    def _mark_side(self, word: str) -> Side:
        """Quotes open and close in turn; an apostrophe behind an s belongs to its word. A hyphen
        between words is far more often a hyphen than a dash.
        """
        if word == "-":
            return "both" if self._last[-1:].isalnum() else ""
        if word not in ('"', "'"):
            return ""
        if word in self._open:
            self._open.remove(word)
            return "left"
        if word == "'" and self._last[:1].isalpha() and self._last.endswith("s"):
            return "left"
        self._open.add(word)
        return "right"


def join_words(words: Iterable[str]) -> str:
    """The words of a text as people type it: "I", "do", "n't", "." to "I don't."."""
    joiner = Joiner()
    return "".join(joiner.add(word) for word in words)


def side_of(word: str, before: str) -> Side:
    """Of a word that is no quotation mark, by itself and the word before it."""
    if word == "/":
        return "both"
    if word in _RIGHT:
        return "right"
    return "left" if _leans_left(word.lower(), before.lower()) else ""


def _leans_left(word: str, before: str) -> bool:
    stops = _STOPS.fullmatch(word) is not None
    return stops or word in _CLITICS or word in _LEFT or (before, word) in _PAIRS
