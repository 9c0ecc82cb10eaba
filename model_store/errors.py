"""Every refusal of the store, in one tree.

    StoreError
    ├── NotFound          not_found         no such model, version, alias or store
    │   └── Retired           retired           a version whose files gc has given up
    ├── Conflict          conflict          the store's state contradicts what was asked
    │   ├── LeaseHeld         lease_held        another holds the lease that was asked for
    │   └── LeaseLost         lease_lost        a lease that ran out was taken over
    ├── Invalid           invalid           what was given breaks a rule
    │   ├── InvalidName       invalid_name      a name, alias or reference outside its pattern
    │   ├── InvalidDocument   invalid_document  a manifest or log entry breaks the format
    │   └── UnsafeFile        unsafe_file       a file that a version must never hold
    ├── VerifyError       verify_failed     stored bytes are not what the manifest says
    ├── Untrusted         untrusted         no trusted key vouches for a version
    │   ├── Unsigned          unsigned          no trusted key has signed it
    │   └── BadSignature      bad_signature     a trusted key's signature is not of its bytes
    ├── ReadOnly          read_only         this store takes no writes
    └── Unavailable       unavailable       the disk or the object store did not answer
        └── KeysUnavailable   keys_unavailable  the trusted keys cannot be read

Each class carries a `code` for programs and a `sentence` fit for anybody's eyes; the message of an
instance adds what was wrong and what is allowed. Messages name models, versions, files and keys of
the store, never a credential and never a file's content.
"""

# ruff: noqa: N818  (the tree reads better without "Error" on every leaf)

from __future__ import annotations

from datetime import datetime
from typing import ClassVar


class StoreError(Exception):
    """Root of every error that this package raises on purpose."""

    code: ClassVar[str] = "store_error"
    sentence: ClassVar[str] = "The model store refused the request."


class NotFound(StoreError):
    code = "not_found"
    sentence = "The model store holds no such model, version or alias."


class Retired(NotFound):
    code = "retired"
    sentence = "This version was retired by gc and is no longer served."


class Conflict(StoreError):
    code = "conflict"
    sentence = "The state of the model store does not allow this."


class LeaseHeld(Conflict):
    """`holder` has the lease until `until`, by its own clock."""

    code = "lease_held"
    sentence = "Somebody else is doing this work on this model now."

    def __init__(self, message: str, *, holder: str, until: datetime) -> None:
        super().__init__(message)
        self.holder = holder
        self.until = until


class LeaseLost(Conflict):
    code = "lease_lost"
    sentence = "The lease was not renewed in time and is somebody else's now."


class Invalid(StoreError):
    code = "invalid"
    sentence = "What was given to the model store breaks one of its rules."


class InvalidName(Invalid):
    code = "invalid_name"
    sentence = "A model name, alias or reference is outside the allowed pattern."


class InvalidDocument(Invalid):
    code = "invalid_document"
    sentence = "A manifest or a log entry breaks its format."


class UnsafeFile(Invalid):
    code = "unsafe_file"
    sentence = "A file of this kind is never part of a model version."


class VerifyError(StoreError):
    """Stored bytes differ from the manifest; `file` names the file of the version."""

    code = "verify_failed"
    sentence = "A stored file is missing or differs from its manifest."

    def __init__(self, message: str, *, file: str) -> None:
        super().__init__(message)
        self.file = file


class Untrusted(StoreError):
    """`reference` is the version, as name@number."""

    code = "untrusted"
    sentence = "No trusted key vouches for this version."

    def __init__(self, message: str, *, reference: str) -> None:
        super().__init__(message)
        self.reference = reference


class Unsigned(Untrusted):
    code = "unsigned"
    sentence = "No trusted key has signed this version."


class BadSignature(Untrusted):
    code = "bad_signature"
    sentence = "The signature of this version is not of its manifest."


class ReadOnly(StoreError):
    code = "read_only"
    sentence = "This model store is read-only."


class Unavailable(StoreError):
    code = "unavailable"
    sentence = "The storage behind the model store did not answer."


class KeysUnavailable(Unavailable):
    code = "keys_unavailable"
    sentence = "The keys that are trusted cannot be read."
