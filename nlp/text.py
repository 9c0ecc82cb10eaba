"""Words with exact character offsets.

`text[start:end]` is the word, for any text, and no character other than white space is lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Final

from tokenizers import Regex, pre_tokenizers

from nlp.errors import INVALID_UNICODE, ModelError, TextError

_ABBREVIATIONS: Final = (
    "mr|mrs|ms|dr|prof|st|jr|sr|vs|etc|inc|ltd|co|corp|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
    "|gen|sen|rep|gov|lt|col|sgt|capt|rev|hon|ave|blvd|rd|approx|dept|est|fig|al|bros"
    r"|ph\.d|a\.m|p\.m|e\.g|i\.e|u\.s|u\.k|u\.n"
)
_LETTERS: Final = r"[\p{L}\p{M}\p{N}_]"
_CLITIC: Final = r"(?i:s|m|d|re|ve|ll)\b"

_JOINING: Final = r"\p{Sk}\x{200d}\x{e0020}-\x{e007f}"  # skin tones, joiner, tags
_MARKED: Final = r"\p{M}" + _JOINING  # what goes on from an emoji

# Alternatives in order of preference. Repeats that may be scanned in vain are bounded, so that no
# text costs more than linear time; long ones are atomic, because the matcher gives up (it panics)
# after ten million steps back in one word.
WORD_PATTERNS: Final[tuple[str, ...]] = (
    r"(?i:https?://|www\.)[^\s<>\"]{0,2000}[^\s<>\"'.,;:!?)\]}’”]",  # web address
    r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}",  # mail address
    rf"(?i:\b(?:{_ABBREVIATIONS})\.)(?!\w)",
    r"(?:\b\p{L}\.){2,}",  # U.S.A.
    r"(?<!\w)\p{Lu}\.(?=\s{1,3}\p{Lu})",  # an initial before a name
    r"(?i:\bcan(?=not\b)|\bgon(?=na\b)|\bwan(?=na\b)|\bgot(?=ta\b))",
    r"(?i:\b\p{L}{1,20}(?=n['’]t\b)|n['’]t\b)",  # do|n't
    rf"['’]{_CLITIC}",  # 's 'm 'd 're 've 'll
    r"[0-9#*]\x{fe0f}?\x{20e3}|[\x{1f1e6}-\x{1f1ff}]{2}",  # key cap, flag
    r"(?:[:;=8xX][-o^']?[)(\[\]DPpdO/\\|*3]{1,9}|<3{1,9}|\^_{1,9}\^)(?!\w)",  # emoticon
    r"[@#]\w+",  # mention, hash tag
    r"(?<![\w.])[+-]?(?>\d+(?:[.,:/]\d+)*)(?:st|nd|rd|th|s)?(?!\w)",  # number, date, ordinal
    r"\d+(?:[.,:/]\d+)*",  # the number of 7:30pm, 100km
    r"[!?]{2,}|\.{2,}|…+",
    rf"([^\w\s{_MARKED}])\1+(?![{_MARKED}])|([{_JOINING}])\2+",  # runs of one mark
    rf"(?>{_LETTERS}+)(?:['’.&](?=\p{{L}})(?!{_CLITIC})(?>{_LETTERS}+)){{0,1000}}",  # word
    rf"[\p{{So}}\p{{Sk}}](?:[{_MARKED}]|(?<=\x{{200d}})\p{{So}}){{0,200}}",  # emoji
    r"\S",
)

Splitter = Callable[[str], "Words"]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one text, in order. `starts` and `ends` are code points, half-open."""

    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def located(self) -> bool:
        """False for words that came already tokenised: there is no text to point into."""
        return len(self.starts) == len(self.words)


class SplitText(str):
    """A text that is split once, however many tasks read it: it keeps the words of each splitter.

    Tasks get theirs from `splitter`, which asks the text first. Safe to share between threads.
    """

    __slots__ = ("_known", "_lock")

    def __init__(self, _: str) -> None:
        self._known: dict[Splitter, Words] = {}
        self._lock = Lock()

    def words_by(self, split: Splitter) -> Words:
        """As `split` gives them. Raises what it raises, each time."""
        with self._lock:
            if split not in self._known:
                self._known[split] = split(self)
            return self._known[split]


def shared(split: Splitter) -> Splitter:
    """`split`, but a SplitText that knows its words is not split again."""

    def split_or_ask(text: str) -> Words:
        return text.words_by(split) if isinstance(text, SplitText) else split(text)

    return split_or_ask


def given_words(words: Sequence[str]) -> Words:
    """Words already tokenised, kept one to one. Raises TextError for a lone surrogate."""
    for word in words:
        check_unicode(word)
    return Words(tuple(words), (), ())


def check_unicode(text: str) -> None:
    """Raise TextError if `text` holds a lone surrogate, which no encoding can carry."""
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        where = f"a lone surrogate (U+{ord(text[error.start]):04X}) at code point {error.start}"
        message = f"the text holds {where}; send well-formed Unicode"
        raise TextError(INVALID_UNICODE, message) from None


def split_words(text: str) -> Words:
    """The words of `text` by the patterns above. Raises TextError for a lone surrogate."""
    check_unicode(text)
    pieces = _pattern_splitter().pre_tokenize_str(text) if text else []
    words = tuple(word for word, _ in pieces)
    return Words(words, tuple(span[0] for _, span in pieces), tuple(span[1] for _, span in pieces))


def split_words_spacy(text: str) -> Words:
    """The words of `text` by spaCy's blank English pipeline. Raises TextError, ModelError."""
    check_unicode(text)
    from nlp.spacy_words import spacy_pieces

    pieces = spacy_pieces(text)
    words = tuple(word for word, _ in pieces)
    starts = tuple(start for _, start in pieces)
    return Words(words, starts, tuple(start + len(word) for word, start in pieces))


SPLITTERS: Final[dict[str, Splitter]] = {"words": split_words, "spacy": split_words_spacy}


def splitter(name: str) -> Splitter:
    """The word splitter a text spec names; see SplitText. Raises ModelError for an unknown name."""
    if name not in SPLITTERS:
        raise ModelError(f"unknown tokenizer {name!r}; known: {', '.join(sorted(SPLITTERS))}")
    return shared(SPLITTERS[name])


@cache
def _pattern_splitter() -> pre_tokenizers.PreTokenizer:
    # "removed" with invert drops what no pattern matches: white space, and nothing else.
    return pre_tokenizers.Split(Regex("|".join(WORD_PATTERNS)), behavior="removed", invert=True)
