"""Code point offsets to UTF-8 bytes or UTF-16 units.

Languages disagree on what a character is: Python counts code points, JavaScript and Java UTF-16
units, Go and Rust bytes. The tables are built once a text and looked up for each offset.
"""

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

OffsetEncoding = Literal["codepoint", "utf8", "utf16"]
ENCODINGS: Final[tuple[OffsetEncoding, ...]] = ("codepoint", "utf8", "utf16")


def offset_converter(text: str, encoding: OffsetEncoding) -> Callable[[int], int]:
    """A function from a code point offset in `text` (0..len) to the same place in `encoding`."""
    if encoding == "codepoint" or text.isascii():
        return _same
    table = offset_table(text, encoding)
    return lambda offset: int(table[offset])


def offset_table(text: str, encoding: OffsetEncoding) -> NDArray[np.int64]:
    """Offsets in `encoding` of each code point boundary. Shape: (len(text) + 1,)."""
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    widths = np.ones(len(points), dtype=np.int64)
    bounds = {"codepoint": (), "utf8": (0x80, 0x800, 0x10000), "utf16": (0x10000,)}[encoding]
    for bound in bounds:
        widths += points >= bound
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(widths)])


def _same(offset: int) -> int:
    return offset
