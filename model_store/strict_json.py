"""JSON that means one thing: no duplicate key, no NaN, no surprise of size or depth.

The default reader of Python keeps the last of two equal keys and accepts NaN; two programs could
then read two different manifests out of the same bytes.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from model_store.errors import InvalidDocument

DOCUMENT_LIMIT_BYTES = 8 * 1024 * 1024


def parse(body: bytes, *, what: str) -> dict[str, Any]:
    """Read one JSON object out of `body`.

    Args:
        body: UTF-8 text, at most 8 MiB.
        what: the document's name in error messages.

    Raises:
        InvalidDocument: too large, not UTF-8, not JSON, not an object, a duplicate key, a number
            that is not finite, or nesting too deep to read.
    """
    check_size(len(body), what=what)
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(f"{what} is no strict JSON: {_reason(error)}") from error
    if not isinstance(document, dict):
        raise InvalidDocument(f"{what} holds a JSON {type(document).__name__}; an object is needed")
    return document


def encode(document: Mapping[str, Any], *, what: str) -> bytes:
    """Write `document` as indented UTF-8 JSON with a final newline; the inverse of `parse`.

    Raises:
        InvalidDocument: a value JSON has no form for, NaN or infinity, a lone surrogate, or a
            result above 8 MiB.
    """
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
        body = (text + "\n").encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidDocument(f"{what} cannot be written as JSON: {_reason(error)}") from error
    check_size(len(body), what=what)
    return body


def check_size(size: int, *, what: str, limit: int = DOCUMENT_LIMIT_BYTES) -> None:
    """Raise InvalidDocument above `limit` bytes, so that nothing larger is read into memory."""
    if size > limit:
        raise InvalidDocument(f"{what} is {size} bytes; at most {limit} bytes are allowed")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {twice!r:.80} appears twice in one object")
    return document


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON number; finite numbers are allowed")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.40} is beyond a double; finite numbers are allowed")
    return number


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeError):
        return "its text is not valid UTF-8"
    return str(error)
