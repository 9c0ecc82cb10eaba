"""A plain table (TOML, JSON) to frozen dataclasses and back, checked on the way.

`build` knows: str, bool, int, float, Literal, X | None and other unions, tuple[X, ...], list[X],
Mapping[str, X], dataclasses, and Annotated numbers with a `Between`. A dataclass that has a
`from_text` also takes a string. Every error is a RecipeError with the dotted path of the value.
"""

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from training.errors import RecipeError

T = TypeVar("T")
Kind: TypeAlias = Any
"""A type, or what `typing` makes of one."""
_NAMES: dict[Any, str] = {str: "a string", bool: "true or false", int: "a whole number"}
_NAMES |= {float: "a number", NoneType: "nothing"}


@dataclass(frozen=True, slots=True)
class Between:
    """The allowed range of a number, both ends included unless `above` is given."""

    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf

    def holds(self, number: float) -> bool:
        return self.least <= number <= self.most and number > self.above

    def __str__(self) -> str:
        low = f"above {self.above:g}" if self.above > -math.inf else f"at least {self.least:g}"
        bounds = [low] if max(self.least, self.above) > -math.inf else []
        bounds += [f"at most {self.most:g}"] if self.most < math.inf else []
        return " and ".join(bounds)


def build(kind: type[T], value: object, path: str = "") -> T:
    """The value as `kind`. Raises RecipeError that names the path and what was expected."""
    return cast(T, _fit(value, kind, path))


def to_plain(value: object) -> object:
    """Dataclasses to dicts and tuples to lists, ready for JSON; `build` takes it back."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: to_plain(held) for key, held in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(held) for held in value]
    return value


def nearest(word: str, known: list[str]) -> str:
    """ "did you mean 'x'?" for the nearest of the known words, else the list of them."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


def _origin(kind: Kind) -> Kind:
    return get_origin(kind)


def _fit(value: object, kind: Kind, path: str) -> object:
    origin = _origin(kind)
    if origin is Annotated:
        return _fit_number(value, kind, path)
    if origin in (Union, UnionType):
        return _fit_union(value, kind, path)
    if origin is Literal:
        return _fit_literal(value, kind, path)
    if origin in (tuple, list):
        return _fit_list(value, kind, path)
    if origin is not None:
        return _fit_mapping(value, kind, path)
    if dataclasses.is_dataclass(kind):
        return _fit_dataclass(value, kind, path)
    return _fit_scalar(value, kind, path)


def _fit_scalar(value: object, kind: Kind, path: str) -> object:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise _wrong(value, kind, path)
    if kind is float and not math.isfinite(cast(float, value)):
        raise RecipeError("must be a finite number", path=path)
    return value


def _fit_number(value: object, kind: Kind, path: str) -> object:
    bare, bounds = get_args(kind)
    number = cast(float, _fit(value, bare, path))
    if not bounds.holds(number):
        raise RecipeError(f"must be {bounds}, and is {number:g}", path=path)
    return number


def _fit_literal(value: object, kind: Kind, path: str) -> object:
    allowed = get_args(kind)
    if not any(value == one and type(value) is type(one) for one in allowed):
        raise RecipeError(f"must be {describe(kind)}, and is {value!r}", path=path)
    return value


def _fit_union(value: object, kind: Kind, path: str) -> object:
    """The member whose kind of value this is; so an error names that member's own trouble."""
    for member in get_args(kind):
        if _looks_like(value, member):
            return _fit(value, member, path)
    raise _wrong(value, kind, path)


def _looks_like(value: object, kind: Kind) -> bool:
    origin = _origin(kind)
    if origin is Annotated:
        return _looks_like(value, get_args(kind)[0])
    if origin in (tuple, list):
        return isinstance(value, list | tuple)
    if dataclasses.is_dataclass(kind) or origin is not None:
        return isinstance(value, Mapping)
    return type(value) is kind


def _fit_list(value: object, kind: Kind, path: str) -> object:
    if not isinstance(value, list | tuple):
        raise _wrong(value, kind, path)
    inner = get_args(kind)[0]
    fitted = [_fit(held, inner, f"{path}[{i}]") for i, held in enumerate(value)]
    return fitted if _origin(kind) is list else tuple(fitted)


def _fit_mapping(value: object, kind: Kind, path: str) -> object:
    if not isinstance(value, Mapping):
        raise _wrong(value, kind, path)
    inner = get_args(kind)[1]
    return {key: _fit(held, inner, join(path, key)) for key, held in value.items()}


def _fit_dataclass(value: object, kind: Kind, path: str) -> object:
    if isinstance(value, str) and hasattr(kind, "from_text"):
        return kind.from_text(value, path)
    if not isinstance(value, Mapping):
        raise _wrong(value, kind, path)
    hints = get_type_hints(kind, include_extras=True)
    _refuse_unknown(value, list(hints), path)
    _refuse_missing(value, kind, path)
    fields = {key: _fit(held, hints[key], join(path, key)) for key, held in value.items()}
    return _made(kind, fields, path)


def _made(kind: Kind, fields: dict[str, Any], path: str) -> object:
    """A check across fields (`__post_init__`) knows no path: it is put before its message."""
    try:
        return kind(**fields)
    except RecipeError as error:
        raise RecipeError(error.reason, path=join(path, error.path)) from None


def _refuse_unknown(value: Mapping[str, object], known: list[str], path: str) -> None:
    for key in value:
        if key not in known:
            raise RecipeError(f"unknown key; {nearest(key, known)}", path=join(path, key))


def _refuse_missing(value: Mapping[str, object], kind: Kind, path: str) -> None:
    for field in dataclasses.fields(kind):
        has_default = (field.default, field.default_factory) != (dataclasses.MISSING,) * 2
        if not has_default and field.name not in value:
            what = describe(get_type_hints(kind, include_extras=True)[field.name])
            raise RecipeError(f"is missing; expected {what}", path=join(path, field.name))


def _wrong(value: object, kind: Kind, path: str) -> RecipeError:
    return RecipeError(f"expected {describe(kind)}, found {_found(value)}", path=path)


def _found(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    return f"{_NAMES.get(type(value), type(value).__name__)} ({value!r})"


def describe(kind: Kind) -> str:
    """A type in words, for messages."""
    origin, inner = _origin(kind), get_args(kind)
    if origin is Annotated:
        return f"{describe(inner[0])} {inner[1]}"
    if origin is Literal:
        return "one of " + ", ".join(repr(one) for one in inner)
    if origin in (Union, UnionType):
        return " or ".join(describe(member) for member in inner)
    if origin in (tuple, list):
        return "a list"
    return _NAMES.get(kind, "a string or a table" if hasattr(kind, "from_text") else "a table")


def join(path: str, key: str) -> str:
    """The dotted path of a key inside a table."""
    return ".".join(part for part in (path, key) if part)
