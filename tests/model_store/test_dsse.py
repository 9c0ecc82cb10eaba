"""The envelope against its specification: what is signed, and that nothing else is read."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from model_store import InvalidDocument, dsse, strict_json
from model_store.dsse import ENVELOPE_LIMIT_BYTES, Envelope

# The test vector of the specification (protocol.md, DSSE 1.0): a type, a body, a P-256 key and the
# signature (r and s, 32 bytes each) that its reference implementation makes.
TYPE = "http://example.com/HelloWorld"
BODY = b"hello world"
X = 46950820868899156662930047687818585632848591499744589407958293238635476079160
Y = 5640078356564379163099075877009565129882514886557779369047442380624545832820
SIGNATURE = (
    "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
)


def test_the_specifications_encoding() -> None:
    assert dsse.pae(TYPE, BODY) == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_the_specifications_signature_is_of_our_encoding() -> None:
    raw = base64.b64decode(SIGNATURE)
    r, s = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    key = ec.EllipticCurvePublicNumbers(X, Y, ec.SECP256R1()).public_key()
    key.verify(encode_dss_signature(r, s), dsse.pae(TYPE, BODY), ec.ECDSA(SHA256()))


@given(st.text(max_size=40), st.binary(max_size=200))
def test_lengths_are_of_bytes_and_tell_type_from_body(kind: str, body: bytes) -> None:
    rest = dsse.pae(kind, body)
    for part in (kind.encode(), body):
        rest = rest.removeprefix(b"DSSEv1 ")
        length, _, rest = rest.partition(b" ")
        assert length == str(len(part)).encode()
        assert rest[: len(part)] == part
        rest = rest[len(part) :].removeprefix(b" ")
    assert rest == b""


@given(st.text(max_size=20), st.binary(max_size=99), st.text(max_size=20), st.binary(max_size=70))
def test_an_envelope_comes_back_as_it_was(
    kind: str, payload: bytes, keyid: str, signature: bytes
) -> None:
    envelope = Envelope(kind, payload, keyid, signature)
    assert dsse.parse(dsse.encode(envelope)) == envelope


BYTES = dsse.encode(Envelope("a/b", b"payload!", "key", b"\x00" * 64))


def changed(**keys: object) -> bytes:
    """The envelope with other values, written as we write JSON."""
    return strict_json.encode(json.loads(BYTES) | keys, what="a test's envelope")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        BYTES + b"\n",
        BYTES.replace(b"  ", b" "),
        BYTES.replace(b'"a/b"', b'"a\\/b"'),
        BYTES.replace(b"ZCE=", b"ZCF="),  # the same bytes in base64 with other spare bits
        BYTES.replace(b"cGF5bG9hZCE=", b"cGF5bG9hZCE"),
        BYTES.replace(b'"a/b"', b"7"),
        BYTES.replace(b'"a/b"', b"null"),
        changed(alg="none"),
        changed(signatures=[]),
        changed(signatures={"sig": ""}),
        changed(signatures=json.loads(BYTES)["signatures"] * 2),
        changed(payload=None),
        BYTES.replace(b'"keyid"', b'"keyid": "key", "keyid"'),
        BYTES + b" " * ENVELOPE_LIMIT_BYTES,
    ],
)  # fmt: skip
def test_what_is_written_in_any_other_way_is_refused(body: bytes) -> None:
    assert dsse.encode(dsse.parse(BYTES)) == BYTES != body
    with pytest.raises(InvalidDocument):
        dsse.parse(body)
