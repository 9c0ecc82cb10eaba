"""Names a caller may give, and the keys the store derives from them.

No caller ever gives a path: every key below is built from parts that passed a pattern. The patterns
are matched in full (`fullmatch`), because `$` would let a trailing newline through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from model_store.errors import InvalidName, UnsafeFile

DEFAULT_ALIAS = "champion"
MANIFEST_FILE = "manifest.json"
BLOBS = "blobs/sha256"
MODELS = "models"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MANIFEST_KEY = re.compile(r"([1-9][0-9]{0,8})\.json")
_RETIRED_KEY = re.compile(r"([1-9][0-9]{0,8})\.retired\.json")
_SIGNATURE_KEY = re.compile(r"([0-9a-f]{64})\.dsse\.json")
_ENTRY_KEY = re.compile(r"([0-9]{8})\.json")


@dataclass(frozen=True, slots=True)
class Reference:
    """What a caller points at: a model's alias, or one of its numbers (then `alias` is None)."""

    name: str
    alias: str | None
    number: int | None


def check_name(name: str) -> str:
    """Return `name`; raise InvalidName outside `^[a-z0-9][a-z0-9._-]{0,63}$`."""
    if _NAME.fullmatch(name) is None:
        raise InvalidName(
            f"{name!r:.80} is no model name: 1 to 64 of a-z, 0-9, '.', '_' and '-' are allowed, "
            "the first one a letter or a digit"
        )
    return name


def check_alias(alias: str) -> str:
    """Return `alias`; it follows a name's pattern and is no number, so `name@7` is one thing."""
    if _NAME.fullmatch(alias) is None or alias.isdigit():
        raise InvalidName(
            f"{alias!r:.80} is no alias: 1 to 64 of a-z, 0-9, '.', '_' and '-' are allowed, the "
            "first one a letter or a digit, and not digits alone (name@7 means version 7)"
        )
    return alias


def check_number(number: int) -> int:
    """Return `number`; raise InvalidName unless it is a version number, 1 to 999,999,999."""
    if isinstance(number, bool) or _NUMBER.fullmatch(str(number)) is None:
        raise InvalidName(f"{number!r:.80} is no version number: 1 to 999999999 are allowed")
    return number


def check_file(file: str) -> str:
    """Return `file`, a flat file name of a version; raise UnsafeFile for anything else."""
    if _FILE.fullmatch(file) is None or file.casefold() == MANIFEST_FILE:
        raise UnsafeFile(
            f"{file!r:.160} is no file name of a version: 1 to 128 of A-Z, a-z, 0-9, '.', '_' and "
            f"'-' are allowed, the first one a letter or a digit, no folders, not {MANIFEST_FILE}"
        )
    return file


def is_digest(text: object) -> bool:
    """Whether `text` is a sha256 in 64 lower-case hexadecimal digits."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def parse_reference(text: str) -> Reference:
    """Read `name` (its champion), `name@alias` or `name@7`; raise InvalidName for the rest."""
    name, at, target = text.partition("@")
    check_name(name)
    if not at:
        return Reference(name, DEFAULT_ALIAS, None)
    if target.isdecimal():
        return Reference(name, None, _number(target))
    return Reference(name, check_alias(target), None)


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise InvalidName(f"{text!r:.80} is no version number: 1 to 999999999 are allowed")
    return int(text)


def blob_key(digest: str) -> str:
    return f"{BLOBS}/{digest}"


def versions_prefix(name: str) -> str:
    return f"{MODELS}/{name}/versions"


def manifest_key(name: str, number: int) -> str:
    return f"{versions_prefix(name)}/{number}.json"


def retired_key(name: str, number: int) -> str:
    return f"{versions_prefix(name)}/{number}.retired.json"


def signatures_prefix(name: str, number: int) -> str:
    return f"{versions_prefix(name)}/{number}.signatures"


def signature_key(name: str, number: int, keyid: str) -> str:
    return f"{signatures_prefix(name, number)}/{keyid}.dsse.json"


def aliases_prefix(name: str) -> str:
    return f"{MODELS}/{name}/aliases"


def log_prefix(name: str, alias: str) -> str:
    return f"{aliases_prefix(name)}/{alias}"


def entry_key(name: str, alias: str, entry: int) -> str:
    return f"{log_prefix(name, alias)}/{entry:08d}.json"


def lease_prefix(name: str, kind: str) -> str:
    return f"{MODELS}/{name}/leases/{kind}"


def lease_key(name: str, kind: str, entry: int) -> str:
    return f"{lease_prefix(name, kind)}/{entry:08d}.json"


def digest_of(key: str) -> str | None:
    """The digest that a blob's key names, None for a key that is no blob's."""
    last = key.rpartition("/")[2]
    return last if is_digest(last) else None


def number_of(key: str) -> int | None:
    """The version number whose manifest this key is, None for any other key."""
    return _captured(_MANIFEST_KEY, key)


def retired_number_of(key: str) -> int | None:
    """The version number that this key marks as retired, None for any other key."""
    return _captured(_RETIRED_KEY, key)


def keyid_of(key: str) -> str | None:
    """The id of the key whose signature this key is, None for any other key."""
    match = _SIGNATURE_KEY.fullmatch(key.rpartition("/")[2])
    return match.group(1) if match else None


def entry_of(key: str) -> int | None:
    """The position of the log or lease entry that this key is, None for any other key."""
    return _captured(_ENTRY_KEY, key)


def _captured(pattern: re.Pattern[str], key: str) -> int | None:
    match = pattern.fullmatch(key.rpartition("/")[2])
    return int(match.group(1)) if match else None
