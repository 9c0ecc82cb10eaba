"""The secrets that receipts are signed with: from the settings, from a file, or made for the day.

A secret is never used as it is: one key derived from it signs, another one hides the texts.
"""

import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from hmac import digest
from pathlib import Path
from typing import Final

import structlog

from model_store import default_store_url
from service.settings import SECRET_CHARACTERS, Settings

log = structlog.get_logger()
FILE: Final = "receipt.keys"
TEXT_BYTES: Final = 16
MAC_BYTES: Final = 32
_SIGNATURES: Final = b"valence receipt 1: signatures"
_TEXTS: Final = b"valence receipt 1: texts"


@dataclass(frozen=True, slots=True)
class Key:
    """Both keys of one secret."""

    signing: bytes = field(repr=False)
    hiding: bytes = field(repr=False)

    @classmethod
    def derived(cls, secret: str) -> "Key":
        raw = secret.encode()
        return cls(digest(raw, _SIGNATURES, "sha256"), digest(raw, _TEXTS, "sha256"))

    def sign(self, payload: bytes) -> bytes:
        """HMAC-SHA256, 32 bytes."""
        return digest(self.signing, payload, "sha256")

    def hide(self, text: str) -> bytes:
        """Stands for the text; without the key nobody can try texts against it. 16 bytes."""
        raw = text.encode("utf-8", "surrogatepass")
        return blake2b(raw, key=self.hiding, digest_size=TEXT_BYTES).digest()


def load_keys(settings: Settings) -> tuple[Key, ...]:
    """The first one signs, all of them verify."""
    return tuple(map(Key.derived, _secrets(settings.receipt_keys.get_secret_value())))


def default_key_file() -> Path:
    """A secret a line, beside the default store."""
    return Path(default_store_url()).parent / FILE


def _secrets(given: str) -> Iterable[str]:
    if given:
        return given.split(",")
    path = default_key_file()
    try:
        return _read(path) if path.exists() else _made(path)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        log.warning(
            "receipt_keys_for_this_process_only",
            file=str(path),
            reason=type(error).__name__,
            hint="receipts end with this process; set VALENCE_RECEIPT_KEYS",
        )
        return (secrets.token_hex(32),)


def _read(path: Path) -> list[str]:
    """Raises OSError, and ValueError for a file without secrets, or with one that is too short."""
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        log.warning("receipt_keys_open_to_others", file=str(path), hint="chmod 600")
    found = path.read_text("utf-8").split()
    if not found or min(map(len, found)) < SECRET_CHARACTERS:
        raise ValueError
    return found


def _made(path: Path) -> list[str]:
    """A new file, whole from its first moment; or that of another process that was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(beside, path)
    finally:
        beside.unlink()
    return _read(path)
