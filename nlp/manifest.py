"""What a model's manifest must hold for this package: each key, and what it may be.

A manifest holds more (name, scores, digests, ...), which is the store's and training's business.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from nlp.errors import ModelError

MANIFEST: Final = "manifest.json"
_HOTTEST: Final = 1e6


def read_manifest(folder: Path) -> dict[str, Any]:
    """Raises ModelError where the folder has no readable manifest."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelError(f"{MANIFEST} is missing")
    try:
        manifest = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{MANIFEST} is not JSON") from error
    if not isinstance(manifest, dict):
        raise ModelError(f"{MANIFEST} must hold one object")
    return manifest


def check_manifest(manifest: Mapping[str, Any]) -> None:
    """Raises ModelError, naming the first key that is missing or not what it must be."""
    for key, (fits, wanted) in _RULES.items():
        if not fits(_value(manifest, key)):
            raise ModelError(f"{MANIFEST}: {key} must be {wanted}")


def _value(manifest: Any, key: str) -> Any:  # noqa: ANN401 - JSON
    value = manifest
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise ModelError(f"{MANIFEST} lacks the key {key!r}")
        value = value[part]
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_temperature(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 < value <= _HOTTEST  # NaN is not


def _are_names(value: object) -> bool:
    """A list or tuple of distinct texts, at least one."""
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        return False
    return 0 < len(set(value)) == len(value)


def _are_label_sets(value: object) -> bool:
    """Empty where a model's labels are its words: a language model."""
    return isinstance(value, Mapping) and all(map(_are_names, value.values()))


def _are_temperatures(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_temperature, value.values()))


_RULES: Final[dict[str, tuple[Callable[[object], bool], str]]] = {
    "task": (_is_text, "a text"),
    "architecture": (_is_text, "a text"),
    "sizes": (_is_object, "an object"),
    "layers": (_are_label_sets, "an object of lists of distinct labels"),
    "calibration.temperatures": (
        _are_temperatures,
        "an object of numbers, over 0 and up to 1e6",
    ),
    "text.tokenizer": (_is_text, "a text"),
    "text.lowercase": (_is_flag, "true or false"),
    "text.trained": (_is_count, "a whole number over zero"),
    "text.features": (_are_names, "a list of distinct names"),
    "text.alphabet": (_is_text, "a text"),
    "text.window_tokens": (_is_count, "a whole number over zero"),
}
