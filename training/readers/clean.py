"""Undoing what sources did to their texts, and putting tokenised text into the form people type."""

import html
import re
from typing import Final

from nlp.joining import Joiner, Side, side_of

_PTB: Final = {
    "-lrb-": "(",
    "-rrb-": ")",
    "-lsb-": "[",
    "-rsb-": "]",
    "-lcb-": "{",
    "-rcb-": "}",
    "``": '"',
    "''": '"',
    "`": "'",
}
_UNICODE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)

_SPLIT_NOT: Final = re.compile(r"(?: n|(?<=\w)n) 't\b")
_I: Final = re.compile(r"\bi\b(?=$|[\s,.;:!?)\"]|'(?:m|d|ll|ve)\b)")
_START: Final = re.compile(r"(^|(?<!\.)[.!?]\s)(\W*)(\w)")


def unescape_ptb(text: str) -> str:
    r"""Penn Treebank's escapes to what they stand for: -lrb- to (, `` and '' to ", \/ to /."""
    tokens = [_PTB.get(token.lower(), token) for token in text.split(" ")]
    return " ".join(tokens).replace("\\/", "/").replace("\\*", "*")


def unescape_tweet(text: str) -> str:
    r"""\u2019 and &amp; to their characters; the quotes that a CSV export put around go."""
    text = html.unescape(_UNICODE.sub(lambda code: chr(int(code[1], 16)), text)).strip()
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return (text[1:-1] if quoted else text).replace('""', '"')


def unescape_html(text: str) -> str:
    """<br /> to a line feed, entities to their characters."""
    return html.unescape(_BREAK.sub("\n", text))


def detokenise(text: str) -> str:
    """Tokens parted by blanks to text as typed: "i do n't , really ." to "I don't, really."

    Only blanks and the case of letters change. Case is left alone where a capital stands already.
    """
    joined = _joined(_SPLIT_NOT.sub(" n't", text).split())
    return joined if joined != joined.lower() else _truecased(joined)


def _joined(tokens: list[str]) -> str:
    joiner, quotes = Joiner(), _quote_sides(tokens)
    before = ["", *tokens]
    return "".join(
        joiner.add(token, quotes.get(i) or side_of(token, before[i]))
        for i, token in enumerate(tokens)
    )


def _quote_sides(tokens: list[str]) -> dict[int, Side]:
    """Token number to the side it leans to, for double quotes and lone apostrophes.

    Quotes open and close in turn. An odd apostrophe ("the actors ' work") is a possessive.
    """
    sides: dict[int, Side] = {}
    for mark in ('"', "'"):
        places = [i for i, token in enumerate(tokens) if token == mark]
        in_turn = mark == '"' or len(places) % 2 == 0
        sides |= {p: "right" if in_turn and n % 2 == 0 else "left" for n, p in enumerate(places)}
    return sides


def _truecased(text: str) -> str:
    """A capital for "i" and for the first letter of each sentence."""
    return _START.sub(lambda m: m[1] + m[2] + _capital(m[3]), _I.sub("I", text))


def _capital(letter: str) -> str:
    return letter.upper() if len(letter.upper()) == 1 else letter
