"""Places in a text, as a caller counts them: code points inside, its own units outside."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from nlp.errors import BAD_ASPECT, TextError
from nlp.offsets import OffsetEncoding, offset_converter, offset_table
from nlp.tasks.base import Answer, AspectItem
from service.items import GivenItem, Render

_LISTS: Final = ("tokens", "aspects", "attention", "pairs", "words")


def as_it_is(_: GivenItem, answer: Answer) -> dict[str, Any]:
    """A Render for answers without places, or with places in code points."""
    return answer.to_dict()


def render_in(encoding: OffsetEncoding) -> Render:
    """An answer whose places count in `encoding`."""
    if encoding == "codepoint":
        return as_it_is

    def render(item: GivenItem, answer: Answer) -> dict[str, Any]:
        content = answer.to_dict()
        text = item.text if isinstance(item, AspectItem) else item
        if isinstance(text, str) and not text.isascii():
            convert = offset_converter(text, encoding)
            for entry in _located(content):
                entry["start"], entry["end"] = convert(entry["start"]), convert(entry["end"])
        return content

    return render


def _located(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every entry of an answer that has a place."""
    if "explanation" in content:
        yield from _located(content["explanation"])
    for name in _LISTS:
        for entry in content.get(name) or ():
            if entry.get("start") is not None:
                yield entry
            yield from _located(entry)


def code_points(text: str, encoding: OffsetEncoding) -> Callable[[int], int]:
    """From an offset in `encoding` to code points.

    What it returns raises TextError for an offset that is not in the text or inside a code point.
    """
    table = None if text.isascii() else offset_table(text, encoding)

    def convert(offset: int) -> int:
        place = offset if table is None else int(np.searchsorted(table, offset))
        if place > len(text):
            raise TextError(BAD_ASPECT, "an aspect's start or end lies behind the end of the text")
        if table is not None and table[place] != offset:
            raise TextError(BAD_ASPECT, "an aspect's start or end lies inside a code point")
        return place

    return convert
