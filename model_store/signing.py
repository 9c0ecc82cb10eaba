"""Signatures of versions: who vouches for a manifest's exact bytes, and so for every file.

A signature is a DSSE envelope (`dsse`) around an in-toto statement (v1) whose subjects are the
manifest, as `sentiment@3` with the sha256 of its bytes, and each file, as `sentiment@3/labels.txt`.
It is kept, create-only, at `models/<name>/versions/<n>.signatures/<keyid>.dsse.json`; several keys
may sign one version, and one trusted signature is enough.

What is checked, in this order: the envelope is one that we wrote; its type is ours; its signature
is a trusted key's; and only then is its payload parsed; statement, model, number and digest are
those of the manifest's bytes, which are parsed last. So a signature is of no use for another
version, another model or changed bytes. It says nothing about which version an alias names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from model_store import dsse, strict_json
from model_store import manifest as manifests
from model_store.dsse import ENVELOPE_LIMIT_BYTES, Envelope
from model_store.errors import BadSignature, Conflict, Invalid, InvalidDocument, NotFound, Unsigned
from model_store.keys import Keys, PublicKey, SigningKey
from model_store.manifest import Manifest
from model_store.names import keyid_of, signature_key, signatures_prefix
from model_store.objects import Objects

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:valence:model-version:v1"
SHOWN_DIGITS = 12  # of a key id, in messages
SIGNER_LIMIT = 200

Subjects = list[dict[str, Any]]


def sign(objects: Objects, manifest: Manifest, key: SigningKey, *, signer: str) -> str:
    """Write the signature of a manifest; return its storage key. A second time is no error.

    Args:
        signer: who signs, for people; what counts is the key.

    Raises:
        Conflict: something else lies where this key's signature belongs.
        Invalid: an empty or long signer.
    """
    if not signer.strip() or len(signer) > SIGNER_LIMIT:
        raise Invalid(f"a version is signed by somebody: 1 to {SIGNER_LIMIT} characters")
    where = signature_key(manifest.name, manifest.version, key.keyid)
    statement = _statement(manifest, keyid=key.keyid, signer=signer)
    payload = strict_json.encode(statement, what="a statement")
    signature = key.sign(dsse.pae(PAYLOAD_TYPE, payload))
    body = dsse.encode(Envelope(PAYLOAD_TYPE, payload, key.keyid, signature))
    if not objects.create(where, body):
        _confirm(objects.read(where), manifest, PublicKey(key.keyid, key.key.public_key()))
    return where


def check(objects: Objects, body: bytes, *, name: str, number: int, keys: Keys) -> Subjects:
    """Prove that a trusted key signed `body`, a manifest nobody has parsed yet; its subjects.

    Raises:
        Unsigned: no signature by a trusted key.
        BadSignature: there is one, and it is not of these bytes.
        KeysUnavailable: a trusted key cannot be read.
    """
    reference, faults = f"{name}@{number}", []
    for key in keys.current().values():
        try:
            envelope = objects.read(
                signature_key(name, number, key.keyid), limit=ENVELOPE_LIMIT_BYTES
            )
            return verify(envelope, body, reference=reference, key=key)
        except NotFound:
            continue
        except InvalidDocument as error:  # larger than any envelope
            faults.append(_bad(reference, key, str(error)))
        except BadSignature as error:
            faults.append(error)
    if faults:
        raise faults[0]
    raise Unsigned(_unsigned(objects, name, number), reference=reference)


def verify(envelope: bytes, body: bytes, *, reference: str, key: PublicKey) -> Subjects:
    """The subjects of an envelope that is `key`'s signature of `body`, the manifest `reference`.

    Raises:
        BadSignature: anything about it is not right.
    """
    try:
        opened = dsse.parse(envelope)
        if (opened.payload_type, opened.keyid) != (PAYLOAD_TYPE, key.keyid):
            raise InvalidDocument("the envelope is of another type or names another key")
        if not key.verifies(opened.signature, opened.signed):
            raise InvalidDocument("the signature is not this key's of this payload")
        subjects = _subjects(strict_json.parse(opened.payload, what="the statement"))
    except InvalidDocument as error:
        raise _bad(reference, key, str(error)) from error
    if subjects[:1] != [_subject(reference, hashlib.sha256(body).hexdigest())]:
        raise _bad(reference, key, "it is of another version or other bytes")
    return subjects


def parse_signed(objects: Objects, body: bytes, *, name: str, number: int, keys: Keys) -> Manifest:
    """The manifest in `body`, not parsed before a trusted signature of it was found.

    Raises:
        Unsigned, BadSignature, KeysUnavailable: as `check`.
        InvalidDocument, UnsafeFile: as `manifest.parse`.
    """
    subjects = check(objects, body, name=name, number=number, keys=keys)
    manifest = manifests.parse_stored(body, name, number)
    check_files(subjects, manifest)
    return manifest


def check_files(subjects: Subjects, manifest: Manifest) -> None:
    """Raise BadSignature unless the signature names exactly the files of the parsed manifest."""
    if subjects != _subjects_of(manifest):
        raise BadSignature(
            f"the signature of {manifest.reference} names other files than its manifest",
            reference=manifest.reference,
        )


def signed_by(objects: Objects, name: str, number: int) -> list[str]:
    """The ids of the keys that left a signature of a version; nothing about it is checked."""
    listed = objects.list(signatures_prefix(name, number))
    return sorted(keyid for stored in listed if (keyid := keyid_of(stored.key)) is not None)


def _confirm(envelope: bytes, manifest: Manifest, key: PublicKey) -> None:
    try:
        found = verify(envelope, manifest.body, reference=manifest.reference, key=key)
        check_files(found, manifest)
    except BadSignature as error:
        raise Conflict(f"{error}; remove it from the store, then sign again") from error


def _statement(manifest: Manifest, *, keyid: str, signer: str) -> dict[str, Any]:
    return {
        "_type": STATEMENT_TYPE,
        "subject": _subjects_of(manifest),
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "keyid": keyid,
            "signedOn": datetime.now(UTC).isoformat(),
            "signer": signer,
        },
    }


def _subjects_of(manifest: Manifest) -> Subjects:
    files = [
        _subject(f"{manifest.reference}/{file}", entry.sha256)
        for file, entry in manifest.files.items()
    ]
    return [_subject(manifest.reference, manifest.digest), *files]


def _subject(name: str, sha256: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": sha256}}


def _subjects(statement: Mapping[str, Any]) -> Subjects:
    kinds = (statement.get("_type"), statement.get("predicateType"))
    subjects = statement.get("subject")
    if kinds != (STATEMENT_TYPE, PREDICATE_TYPE) or not isinstance(subjects, list):
        raise InvalidDocument("the statement is of another kind than ours")
    return subjects


def _bad(reference: str, key: PublicKey, reason: str) -> BadSignature:
    keyid = key.keyid[:SHOWN_DIGITS]
    message = f"the signature of {reference} by key {keyid} is refused: {reason}"
    return BadSignature(message, reference=reference)


def _unsigned(objects: Objects, name: str, number: int) -> str:
    others = ", ".join(keyid[:SHOWN_DIGITS] for keyid in signed_by(objects, name, number))
    signed = f"only keys that are not trusted signed it ({others})" if others else "nobody did"
    return (
        f"{name}@{number} is not signed by a trusted key, {signed}; to vouch for it: "
        f"valence models sign {name}@{number} --key FILE"
    )
