"""Recipes as files: shipped ones by name, others by path, and `--set` over either."""

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from training.build import nearest
from training.errors import RecipeError
from training.recipe import Recipe, from_dict


def load_recipe(name_or_path: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """A shipped recipe by name, or a file (a name that ends in .toml, or has a folder in it).

    Raises RecipeError for a recipe that is absent, no TOML, or not as described.
    """
    return from_dict(apply_overrides(_parsed(_find(name_or_path)), overrides))


def shipped_recipes() -> list[str]:
    """The names of the recipes that come with the package, sorted."""
    names = (entry.name for entry in _folder().iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def apply_overrides(raw: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """A copy of `raw` with each "dotted.key=value" laid over it, later ones last.

    The value is read as TOML (`3`, `0.1`, `true`, `["a", "b"]`, `{x = 1}`); what is no TOML is
    taken as a string as it stands. Raises RecipeError for a key that is none.
    """
    result = dict(raw)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise RecipeError(f"expected dotted.key=value, found {override!r}")
        result = _laid_over(result, _key_parts(key), _value(value))
    return result


def _folder() -> Traversable:
    return resources.files("training") / "recipes"


def _find(name_or_path: str | Path) -> Traversable | Path:
    text = str(name_or_path)
    if text.endswith(".toml") or len(Path(text).parts) > 1:
        return Path(text)
    shipped = shipped_recipes()
    if text not in shipped:
        raise RecipeError(f"no shipped recipe is named {text!r}; {nearest(text, shipped)}")
    return _folder() / f"{text}.toml"


def _parsed(file: Traversable | Path) -> dict[str, Any]:
    if not file.is_file():
        raise RecipeError(f"there is no recipe file {str(file)!r}")
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{file.name} is no TOML: {error}") from None


def _key_parts(key: str) -> list[str]:
    """A dotted TOML key, quoted parts included, to its parts: read by the TOML parser itself."""
    try:
        node: Any = tomllib.loads(f"{key}=0")
    except tomllib.TOMLDecodeError:
        raise RecipeError(f"{key!r} is no dotted key") from None
    parts = []
    while isinstance(node, dict):
        if len(node) != 1:
            raise RecipeError(f"{key!r} is no dotted key")
        name, node = next(iter(node.items()))
        parts.append(name)
    return parts


def _value(text: str) -> object:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text.strip()
    return parsed["value"] if list(parsed) == ["value"] else text


def _laid_over(raw: Mapping[str, Any], parts: list[str], value: object) -> dict[str, Any]:
    head, *rest = parts
    if not rest:
        return {**raw, head: value}
    inner = raw.get(head, {})
    if not isinstance(inner, Mapping):
        raise RecipeError("is no table, so it has no keys to set; set it as a whole", path=head)
    return {**raw, head: _laid_over(inner, rest, value)}
