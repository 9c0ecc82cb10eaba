"""Golden answers: what a version said of a few dozen items when it was published.

`golden.jsonl` holds one JSON object a line: {"item": ..., "answer": ...}, the item being a text, a
list of words, or {"text": ..., "aspects": [{"text": ..., "start": ..., "end": ...}]}. A version
that does not give these answers again is not the version that was tested: wrong runtime, wrong text
code, damaged weights. Replaying them is also the warm-up.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from nlp.errors import GoldenError, ModelError, TextError
from nlp.model import GOLDEN, Model
from nlp.tasks.base import Aspect, AspectItem, Item

LINES_LIMIT: Final = 1000
_ITEMS: Final = "a text, a list of words, or a text with aspects"


def item_to_json(item: Item) -> object:
    """As a line of the file holds it."""
    if not isinstance(item, AspectItem):
        return item
    aspects = [{"text": a.text, "start": a.start, "end": a.end} for a in item.aspects]
    return {"text": item.text, "aspects": aspects}


def item_from_json(value: object) -> Item | None:
    """The item; None where the value is none."""
    if isinstance(value, dict):
        return _aspect_item(value)
    if isinstance(value, list):
        return value if all(isinstance(word, str) for word in value) else None
    return value if isinstance(value, str) else None


def _aspect_item(value: dict[str, Any]) -> AspectItem | None:
    text, given = value.get("text"), value.get("aspects")
    if not isinstance(text, str) or not isinstance(given, list):
        return None
    aspects = tuple(_aspect(one) for one in given)
    found = tuple(one for one in aspects if one is not None)
    return AspectItem(text, found) if len(found) == len(aspects) else None


def _aspect(value: object) -> Aspect | None:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        return None
    start, end = value.get("start"), value.get("end")
    if start is None and end is None:
        return Aspect(value["text"])
    whole = type(start) is int and type(end) is int
    return Aspect(value["text"], start, end) if whole else None


def write_golden(model: Model, items: Iterable[Item], path: Path) -> None:
    """Write the model's answers to `items`, one by one as a lone request would get them."""
    lines = [
        json.dumps(
            {"item": item_to_json(item), "answer": model.answer([item])[0].to_dict()},
            ensure_ascii=False,
        )
        for item in items
    ]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")


def read_golden(folder: Path) -> list[tuple[Item, dict[str, Any]]]:
    """The items and their answers. Raises GoldenError for a missing, empty or malformed file."""
    path = folder / GOLDEN
    if not path.is_file():
        raise GoldenError(f"{GOLDEN} is missing: nothing proves what this version answers")
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    if not 0 < len(lines) <= LINES_LIMIT:
        raise GoldenError(f"{GOLDEN} holds {len(lines)} lines; 1 to {LINES_LIMIT} are allowed")
    return [_parsed(line, number) for number, line in enumerate(lines, 1)]


def replay(model: Model, folder: Path) -> None:
    """Answer every golden item; raise GoldenError, naming the line, where an answer differs.

    Labels, tags, words, offsets and windows must agree exactly, scores within the manifest's
    `tolerance`.
    """
    golden = read_golden(folder)
    tolerance = _tolerance(model)
    for number, (item, expected) in enumerate(golden, 1):
        try:
            answer = model.answer([item])[0].to_dict()
        except TextError as error:
            raise GoldenError(f"{GOLDEN} line {number}: refused as {error.code}") from None
        for fault in _faults(json.loads(json.dumps(answer)), expected, tolerance, "answer"):
            raise GoldenError(f"{GOLDEN} line {number}: {fault}")


def _parsed(line: str, number: int) -> tuple[Item, dict[str, Any]]:
    try:
        entry: Any = json.loads(line)
    except ValueError:
        raise GoldenError(f"{GOLDEN} line {number} is not JSON") from None
    if not isinstance(entry, dict) or not isinstance(entry.get("answer"), dict):
        raise GoldenError(f'{GOLDEN} line {number} must be {{"item": ..., "answer": {{...}}}}')
    item = item_from_json(entry.get("item"))
    if item is None:
        raise GoldenError(f"{GOLDEN} line {number}: item must be {_ITEMS}")
    return item, entry["answer"]


def _tolerance(model: Model) -> float:
    tolerance = model.manifest.get("tolerance")
    if not isinstance(tolerance, int | float) or not 0 <= tolerance <= 0.1:
        raise ModelError("the manifest's tolerance must be a number from 0 to 0.1")
    return float(tolerance)


def _faults(found: object, expected: object, tolerance: float, where: str) -> Iterator[str]:
    """Where two JSON values differ. Texts are not repeated."""
    if isinstance(expected, dict) and isinstance(found, dict):
        yield from _dict_faults(found, expected, tolerance, where)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{where} has {len(found)} entries, golden {len(expected)}"
        for place, (a, b) in enumerate(zip(found, expected, strict=False)):
            yield from _faults(a, b, tolerance, f"{where}[{place}]")
    elif isinstance(expected, float) and isinstance(found, float):
        if not abs(found - expected) <= tolerance:  # so that NaN fails
            yield f"{where} is {found:.6f}, golden {expected:.6f}, tolerance {tolerance:g}"
    elif type(expected) is not type(found) or expected != found:
        yield f"{where} differs"


def _dict_faults(
    found: dict[str, Any], expected: dict[str, Any], tolerance: float, where: str
) -> Iterator[str]:
    if found.keys() != expected.keys():
        yield f"{where} has the keys {sorted(found)}, golden {sorted(expected)}"
        return
    for key, value in expected.items():
        yield from _faults(found[key], value, tolerance, f"{where}.{key}")
