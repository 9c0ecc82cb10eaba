"""Ed25519 keys as files: a private one to sign with, a folder of public ones to trust.

Private keys are PEM (PKCS #8), with a passphrase where VALENCE_KEY_PASSPHRASE holds one; public
keys are PEM (SubjectPublicKeyInfo), one a file. A key's id is the sha256 of its public half's DER.
Only Ed25519 is read, and nothing that is signed names an algorithm, so there is none to confuse.

`Keys` reads its files at every use, a few hundred bytes, so that keys change without a restart.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from model_store.errors import Conflict, Invalid, KeysUnavailable
from model_store.names import is_digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )
    from cryptography.hazmat.primitives.serialization import KeySerializationEncryption

PASSPHRASE_VARIABLE = "VALENCE_KEY_PASSPHRASE"  # noqa: S105 - a variable's name
PUBLIC_SUFFIX = ".pub.pem"
REVOKED_FILE = "revoked.txt"
FILE_LIMIT_BYTES = 64 * 1024
KEYS_LIMIT = 100


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key to check signatures with."""

    keyid: str
    key: Ed25519PublicKey = field(repr=False)

    @classmethod
    def parse(cls, pem: bytes) -> PublicKey:
        """Read one PEM public key; raise Invalid for anything else, a private key above all."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        if b"PRIVATE KEY" in pem:
            raise Invalid("it holds a private key, which belongs to the signer alone")
        if pem.count(b"-----BEGIN") != 1:
            raise Invalid("one PEM public key a file is allowed")
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise Invalid("it is no PEM public key") from error
        if not isinstance(key, Ed25519PublicKey):
            raise Invalid("its key is not an Ed25519 one")
        return cls(_keyid(key), key)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's of `message`."""
        from cryptography.exceptions import InvalidSignature

        try:
            self.key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key to sign with."""

    keyid: str
    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def read(cls, path: Path | str) -> SigningKey:
        """Read a PEM private key, with the passphrase in VALENCE_KEY_PASSPHRASE if it needs one.

        Raises:
            Invalid: a missing file, another kind of key, or a missing or wrong passphrase.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        try:
            key = _private(_read(Path(path)))
        except (OSError, ValueError, TypeError) as error:
            raise Invalid(f"cannot sign with {path}: {_reason(error)}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise Invalid(f"cannot sign with {path}: its key is not an Ed25519 one")
        return cls(_keyid(key.public_key()), key)

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message)


def make_key(path: Path) -> tuple[SigningKey, Path]:
    """Write a new private key to `path`, mode 0600, and its public half beside it.

    `signer.pem` gets `signer.pub.pem`. Nothing is ever overwritten.

    Raises:
        Conflict: one of the two files exists.
        OSError: a file cannot be written.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, _encryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    beside = path.with_name(path.name.removesuffix(".pem") + PUBLIC_SUFFIX)
    if beside.exists() or beside.is_symlink():
        raise Conflict(f"{beside} exists; a key is never written over")
    _create(path, private, mode=0o600)
    _create(beside, public, mode=0o644)
    return SigningKey(_keyid(key.public_key()), key), beside


class Keys:
    """The public keys that are trusted: files, and every `*.pem` of folders, as they are now.

    A file `revoked.txt` in a folder lists key ids, one a line (`#` starts a comment), that are not
    trusted even where their key is there. Safe to share between threads.
    """

    def __init__(self, *paths: Path) -> None:
        self.paths = paths
        self._parsed: dict[bytes, PublicKey] = {}

    @classmethod
    def of(cls, text: str) -> Keys:
        """From paths by comma; raise Invalid where there is none."""
        paths = [Path(part.strip()).expanduser() for part in text.split(",") if part.strip()]
        if not paths:
            raise Invalid("trusted keys are paths of public keys, or of folders of them, by comma")
        return cls(*paths)

    def current(self) -> Mapping[str, PublicKey]:
        """The trusted keys by id, read now; none is a valid answer, which nothing passes.

        Raises:
            KeysUnavailable: a path is missing, or a file is no public key; its name is said.
        """
        found: dict[bytes, PublicKey] = {}
        revoked: set[str] = set()
        for path in self._files():
            with _explained(path):
                body = _read(path)
                if path.name == REVOKED_FILE:
                    revoked |= _revoked(body)
                else:
                    found[body] = self._parsed.get(body) or PublicKey.parse(body)
        if len(found) > KEYS_LIMIT:
            raise KeysUnavailable(f"{len(found)} keys are trusted; {KEYS_LIMIT} are allowed")
        self._parsed = found
        return {key.keyid: key for key in found.values() if key.keyid not in revoked}

    def _files(self) -> Iterator[Path]:
        for path in self.paths:
            with _explained(path):
                folder = path.is_dir()
                listed = sorted(path.iterdir()) if folder else [path]
            for file in listed:
                if not folder or file.name == REVOKED_FILE or file.name.endswith(".pem"):
                    yield file


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, Invalid) as error:
        raise KeysUnavailable(f"the trusted key {path} is not read: {_reason(error)}") from error


def _read(path: Path) -> bytes:
    with path.open("rb") as source:
        body = source.read(FILE_LIMIT_BYTES + 1)
    if len(body) > FILE_LIMIT_BYTES:
        raise ValueError(f"it is longer than {FILE_LIMIT_BYTES} bytes")
    return body


def _revoked(body: bytes) -> frozenset[str]:
    lines = (line.partition("#")[0].strip() for line in body.decode("utf-8").splitlines())
    ids = frozenset(line for line in lines if line)
    for keyid in ids:
        if not is_digest(keyid):
            raise Invalid(f"{keyid!r:.80} is no key id; 64 lower-case hex digits are")
    return ids


def _private(pem: bytes) -> object:
    """The key in `pem`. Raises ValueError, TypeError: no key, or a passphrase that does not fit."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    passphrase = _passphrase() if b"ENCRYPTED PRIVATE KEY" in pem else None
    return load_pem_private_key(pem, passphrase)


def _encryption() -> KeySerializationEncryption:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption

    passphrase = _passphrase()
    return NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)


def _passphrase() -> bytes | None:
    return os.environ.get(PASSPHRASE_VARIABLE, "").encode("utf-8") or None


def _keyid(key: Ed25519PublicKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _create(path: Path, body: bytes, *, mode: int) -> None:
    """Write a file that must not be there yet; it never has wider rights, not for a moment."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise Conflict(f"{path} exists; a key is never written over") from error
    with os.fdopen(handle, "wb") as target:
        target.write(body)
        target.flush()
        os.fsync(target.fileno())


def _reason(error: Exception) -> str:
    """What a person can do something about; the libraries' own words are for programmers."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, TypeError):
        return f"it has a passphrase; set {PASSPHRASE_VARIABLE}"
    if isinstance(error, ValueError) and "password" in str(error).lower():
        return f"the passphrase in {PASSPHRASE_VARIABLE} is wrong"
    return str(error).partition("\n")[0] or type(error).__name__
