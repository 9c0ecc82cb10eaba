"""The envelope a signature travels in: DSSE 1.0, a strict profile of it.

DSSE (https://github.com/secure-systems-lab/dsse, protocol.md) signs the bytes PAE(type, payload)
and not the JSON around them, so nothing that is signed is parsed before the signature was checked,
and a payload of one type is never taken for another. Here an envelope holds one signature, and its
bytes are exactly those `encode` writes: standard base64, no further key, no other spacing. (DSSE
lets a reader take URL-safe base64 too; we read nothing but what we wrote.) So no bit of a stored
envelope can change unnoticed.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from model_store import strict_json
from model_store.errors import InvalidDocument

ENVELOPE_LIMIT_BYTES = 1024 * 1024  # a thousand files of the longest names come to 400 kB


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was signed, and by which key it is said to be: nothing of it is proven yet."""

    payload_type: str
    payload: bytes
    keyid: str
    signature: bytes

    @property
    def signed(self) -> bytes:
        """The bytes that the signature is of."""
        return pae(self.payload_type, self.payload)


def pae(payload_type: str, payload: bytes) -> bytes:
    """The specification's pre-authentication encoding: lengths in bytes, decimal."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def encode(envelope: Envelope) -> bytes:
    """The stored form."""
    document = {
        "payloadType": envelope.payload_type,
        "payload": base64.b64encode(envelope.payload).decode("ascii"),
        "signatures": [
            {
                "keyid": envelope.keyid,
                "sig": base64.b64encode(envelope.signature).decode("ascii"),
            }
        ],
    }
    return strict_json.encode(document, what="an envelope")


def parse(body: bytes) -> Envelope:
    """Read an envelope; the payload in it is bytes and stays unread.

    Raises:
        InvalidDocument: too large, no strict JSON, or not byte for byte what `encode` writes.
    """
    what = "the envelope"
    strict_json.check_size(len(body), what=what, limit=ENVELOPE_LIMIT_BYTES)
    raw = strict_json.parse(body, what=what)
    try:
        (signature,) = raw["signatures"]
        envelope = Envelope(
            payload_type=_text(raw["payloadType"]),
            payload=_bytes(raw["payload"]),
            keyid=_text(signature["keyid"]),
            signature=_bytes(signature["sig"]),
        )
        same = encode(envelope) == body
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise InvalidDocument(f"{what} is no DSSE envelope with one signature") from error
    if not same:
        raise InvalidDocument(f"{what} is not written as this program writes it")
    return envelope


def _text(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        raise TypeError
    return value


def _bytes(value: Any) -> bytes:  # noqa: ANN401
    return base64.b64decode(_text(value), validate=True)
