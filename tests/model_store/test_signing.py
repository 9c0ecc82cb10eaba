"""Signed versions: what a trusted key vouches for is read, and nothing else, not one byte."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_store import (
    BadSignature,
    Conflict,
    Invalid,
    InvalidDocument,
    Keys,
    KeysUnavailable,
    NotFound,
    SigningKey,
    Store,
    Unsigned,
    VerifyError,
    dsse,
    open_store,
    signing,
    strict_json,
)
from model_store.dsse import Envelope
from model_store.keys import make_key
from model_store.names import blob_key, manifest_key, signature_key

MakeFolder = Callable[..., Path]
NAME = "sentiment"


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    """The folder of trusted keys."""
    folder = tmp_path / "trust"
    folder.mkdir()
    return folder


@pytest.fixture
def key(tmp_path: Path, trust: Path) -> SigningKey:
    """A key that is trusted."""
    return new_key(tmp_path, trust, "ada")


@pytest.fixture
def stranger(tmp_path: Path) -> SigningKey:
    """A key that nobody trusts."""
    return make_key(tmp_path / "stranger.pem")[0]


def new_key(folder: Path, trust: Path, name: str) -> SigningKey:
    key, public = make_key(folder / f"{name}.pem")
    public.rename(trust / public.name)
    return key


def trusting(store: Store, trust: Path) -> Store:
    return open_store(store.url, create=False, trusted=Keys(trust))


def signed(store: Store, make_folder: MakeFolder, key: SigningKey) -> int:
    version = store.publish(NAME, make_folder())
    store.sign(NAME, version.number, key, signer="ada@desk", digest=version.digest)
    return version.number


def place(store: Store, number: int, key: SigningKey) -> Path:
    return Path(store.url) / signature_key(NAME, number, key.keyid)


def envelope(payload: bytes, key: SigningKey, kind: str = signing.PAYLOAD_TYPE) -> bytes:
    """A rightly signed envelope of whatever payload."""
    return dsse.encode(Envelope(kind, payload, key.keyid, key.sign(dsse.pae(kind, payload))))


# -- signed and read -----------------------------------------------------------------------------


def test_a_signed_version_is_read_and_an_unsigned_one_is_not(
    any_store: Store, make_folder: MakeFolder, key: SigningKey, trust: Path, tmp_path: Path
) -> None:
    number = signed(any_store, make_folder, key)
    unsigned = any_store.publish(NAME, make_folder()).number
    any_store.promote(NAME, number, actor="ada", reason="")
    guarded = trusting(any_store, trust)
    assert guarded.resolve(NAME) == any_store.resolve(NAME)
    guarded.verify(NAME, number)
    folder = guarded.materialise(NAME, number, tmp_path / "cache")
    assert (folder / "labels.txt").read_bytes() == b"negative\npositive\n"
    any_store.promote(NAME, unsigned, actor="ada", reason="")
    refused: list[Callable[[], object]] = [
        lambda: guarded.resolve(NAME),
        lambda: guarded.resolve(f"{NAME}@{unsigned}"),
        lambda: guarded.manifest(NAME, unsigned),
        lambda: guarded.verify(NAME, unsigned),
        lambda: guarded.materialise(NAME, unsigned, tmp_path / "cache"),
        lambda: guarded.export(NAME, unsigned, tmp_path / "out"),
        lambda: guarded.promote(NAME, unsigned, actor="ada", reason="", alias="next"),
    ]
    for read in refused:
        with pytest.raises(Unsigned, match=r"nobody did.*valence models sign sentiment@2 --key"):
            read()
    assert guarded.versions(NAME) == [1, 2]
    with pytest.raises(NotFound, match="has no version 9"):
        guarded.manifest(NAME, 9)


def test_the_envelope_by_its_specifications_alone(
    store: Store, make_folder: MakeFolder, key: SigningKey, trust: Path
) -> None:
    """Read and verified here with json, base64, hashlib and cryptography: none of our code."""
    number = signed(store, make_folder, key)
    raw = json.loads(place(store, number, key).read_bytes())
    assert raw.keys() == {"payloadType", "payload", "signatures"}
    assert raw["payloadType"] == "application/vnd.in-toto+json"
    payload, kind = base64.b64decode(raw["payload"]), raw["payloadType"].encode()
    message = b"DSSEv1 28 " + kind + b" " + str(len(payload)).encode() + b" " + payload
    public: Any = load_pem_public_key((trust / "ada.pub.pem").read_bytes())
    public.verify(base64.b64decode(raw["signatures"][0]["sig"]), message)

    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    body = (Path(store.url) / manifest_key(NAME, number)).read_bytes()
    files = {
        f"sentiment@1/{file}": {"sha256": entry["sha256"]}
        for file, entry in json.loads(body)["files"].items()
    }
    subjects = {one["name"]: one["digest"] for one in statement["subject"]}
    assert subjects == {"sentiment@1": {"sha256": hashlib.sha256(body).hexdigest()}, **files}
    assert statement["predicate"].keys() == {"keyid", "signedOn", "signer"}
    assert (statement["predicate"]["keyid"], statement["predicate"]["signer"]) == (
        raw["signatures"][0]["keyid"],
        "ada@desk",
    )


def test_several_keys_may_sign_and_one_trusted_signature_is_enough(
    store: Store, make_folder: MakeFolder, key: SigningKey, trust: Path, tmp_path: Path
) -> None:
    number = signed(store, make_folder, key)
    other = new_key(tmp_path, trust, "bo")
    store.sign(NAME, number, other, signer="bo@desk")
    assert signing.signed_by(store.objects, NAME, number) == sorted([key.keyid, other.keyid])
    guarded = trusting(store, trust)
    guarded.manifest(NAME, number)
    place(store, number, key).write_text("damaged")
    guarded.manifest(NAME, number)
    place(store, number, other).write_text("damaged")
    with pytest.raises(BadSignature):
        guarded.manifest(NAME, number)
    place(store, number, other).unlink()
    place(store, number, key).unlink()
    with pytest.raises(Unsigned):
        guarded.manifest(NAME, number)


def test_keys_rotate_under_an_open_store(
    store: Store, make_folder: MakeFolder, key: SigningKey, trust: Path, tmp_path: Path
) -> None:
    guarded, old = trusting(store, trust), signed(store, make_folder, key)
    other = new_key(tmp_path, trust, "bo")
    new = signed(store, make_folder, other)
    for number in (old, new):
        guarded.manifest(NAME, number)
    (trust / "ada.pub.pem").unlink()
    guarded.manifest(NAME, new)
    with pytest.raises(Unsigned, match=rf"not trusted signed it \({key.keyid[:12]}\)"):
        guarded.manifest(NAME, old)
    store.sign(NAME, old, other, signer="bo@desk")
    guarded.manifest(NAME, old)
    (trust / "revoked.txt").write_text(other.keyid)
    for number in (old, new):
        with pytest.raises(Unsigned):
            guarded.manifest(NAME, number)
    (trust / "revoked.txt").unlink()
    (trust / "bo.pub.pem").write_text("half a ke")
    with pytest.raises(KeysUnavailable, match=r"bo\.pub\.pem"):
        guarded.manifest(NAME, new)


def test_a_second_signature_by_one_key_changes_nothing(
    any_store: Store, make_folder: MakeFolder, key: SigningKey
) -> None:
    number = signed(any_store, make_folder, key)
    where = signature_key(NAME, number, key.keyid)
    before = any_store.objects.read(where)
    assert any_store.sign(NAME, number, key, signer="ada@desk") == where
    assert any_store.objects.read(where) == before


def test_what_is_not_signed(store: Store, make_folder: MakeFolder, key: SigningKey) -> None:
    first, second = (store.publish(NAME, make_folder()) for _ in range(2))
    with pytest.raises(NotFound):
        store.sign(NAME, 3, key, signer="ada")
    with pytest.raises(Conflict, match="not signed"):
        store.sign(NAME, 1, key, signer="ada", digest=second.digest)
    with pytest.raises(Invalid):
        store.sign(NAME, 1, key, signer=" ")
    entry = store.manifest(NAME, 1).files["labels.txt"]
    blob = Path(store.url) / blob_key(entry.sha256)
    content = blob.read_bytes()
    blob.write_bytes(b"something else")
    with pytest.raises(VerifyError):
        store.sign(NAME, 1, key, signer="ada")
    blob.write_bytes(content)
    assert signing.signed_by(store.objects, NAME, 1) == []
    place(store, 1, key).parent.mkdir()
    place(store, 1, key).write_text("somebody was here first")
    with pytest.raises(Conflict, match="remove it from the store, then sign again"):
        store.sign(NAME, 1, key, signer="ada", digest=first.digest)


def test_signatures_are_no_versions_to_anybody(
    any_store: Store, make_folder: MakeFolder, key: SigningKey
) -> None:
    number = signed(any_store, make_folder, key)
    folder = signature_key(NAME, number, key.keyid).rpartition("/")[0]
    any_store.objects.create(f"{folder}/77.json", b"{}")
    any_store.objects.create(f"{folder}/1.retired.json", b"{}")
    assert any_store.names() == [NAME]
    assert any_store.versions(NAME) == [1]
    assert any_store.publish(NAME, make_folder()).number == 2
    assert any_store.publish("other", make_folder()).number == 1
    any_store.promote(NAME, 2, actor="ada", reason="")
    report = any_store.gc(dry_run=False, grace_seconds=0, keep_last=1, versions=True)
    assert report.retired == ((NAME, 1),)
    assert signing.signed_by(any_store.objects, NAME, 1) == [key.keyid]


# -- forged --------------------------------------------------------------------------------------


def test_nothing_of_an_untrusted_manifest_is_parsed(
    store: Store, make_folder: MakeFolder, key: SigningKey, trust: Path
) -> None:
    """A parser would fail on these bytes in its own way; it is never asked."""
    number = signed(store, make_folder, key)
    guarded, path = trusting(store, trust), Path(store.url) / manifest_key(NAME, number)
    for body in (b"", b"{", b"[" * 100_000, b'{"format": 1, "format": 2}'):
        path.write_bytes(body)
        with pytest.raises(BadSignature, match="another version or other bytes"):
            guarded.manifest(NAME, number)
        place(store, number, key).rename(store.url + "/kept")
        with pytest.raises(Unsigned):
            guarded.manifest(NAME, number)
        Path(store.url + "/kept").rename(place(store, number, key))


def test_a_strangers_signature_counts_for_nothing(
    store: Store, make_folder: MakeFolder, key: SigningKey, stranger: SigningKey, trust: Path
) -> None:
    number = signed(store, make_folder, stranger)
    guarded = trusting(store, trust)
    with pytest.raises(Unsigned, match=stranger.keyid[:12]):
        guarded.manifest(NAME, number)
    theirs = place(store, number, stranger).read_bytes()
    for claim in (theirs, theirs.replace(stranger.keyid.encode(), key.keyid.encode())):
        place(store, number, key).write_bytes(claim)
        with pytest.raises(BadSignature):
            guarded.manifest(NAME, number)


def test_a_signature_is_of_one_version_of_one_model(
    store: Store, make_folder: MakeFolder, key: SigningKey, trust: Path, tmp_path: Path
) -> None:
    """Copied to another number, another model, another store with other bytes there."""
    number = signed(store, make_folder, key)
    body = place(store, number, key).read_bytes()
    guarded = trusting(store, trust)
    other = store.publish(NAME, make_folder()).number
    place(store, other, key).parent.mkdir()
    place(store, other, key).write_bytes(body)
    with pytest.raises(BadSignature, match="of another version"):
        guarded.manifest(NAME, other)
    # with its manifest, too
    root, copy = Path(store.url), manifest_key(NAME, number)
    (root / manifest_key(NAME, other)).write_bytes((root / copy).read_bytes())
    with pytest.raises(BadSignature, match="of another version"):
        guarded.manifest(NAME, other)
    elsewhere = open_store(tmp_path / "elsewhere", trusted=Keys(trust))
    elsewhere.publish(NAME, make_folder())
    elsewhere.objects.create(signature_key(NAME, 1, key.keyid), body)
    with pytest.raises(BadSignature, match="of another version"):
        elsewhere.manifest(NAME, 1)
    store.publish("tags", make_folder())
    store.objects.create(signature_key("tags", 1, key.keyid), body)
    (root / manifest_key("tags", 1)).write_bytes((root / copy).read_bytes())
    with pytest.raises(BadSignature, match="of another version"):
        guarded.manifest("tags", 1)


def test_rightly_signed_statements_of_another_kind_are_refused(
    store: Store, make_folder: MakeFolder, key: SigningKey, trust: Path
) -> None:
    """A key that signs other things, too, must not vouch for versions by accident."""
    number = signed(store, make_folder, key)
    good = json.loads(dsse.parse(place(store, number, key).read_bytes()).payload)
    guarded = trusting(store, trust)
    payloads = [
        good | {"_type": "https://in-toto.io/Statement/v0.1"},
        good | {"predicateType": "https://slsa.dev/provenance/v1"},
        good | {"subject": []},
        good | {"subject": {}},
        good | {"subject": good["subject"][1:]},
        good | {"subject": good["subject"][:-1]},
        good | {"subject": [*good["subject"], good["subject"][0]]},
        good | {"subject": list(reversed(good["subject"]))},
        good | {"subject": [good["subject"][0] | {"uri": "x"}, *good["subject"][1:]]},
        [good],
    ]
    bodies = [envelope(json.dumps(payload).encode(), key) for payload in payloads]
    text = json.dumps(good)
    bodies += [
        envelope(b"\xff", key),
        envelope(text.replace("{", '{"_type": "x", ', 1).encode(), key),
        envelope(text.encode(), key, kind="application/json"),
    ]
    for body in bodies:
        place(store, number, key).write_bytes(body)
        with pytest.raises(BadSignature):
            guarded.manifest(NAME, number)
    place(store, number, key).write_bytes(envelope(text.encode(), key))
    guarded.manifest(NAME, number)


def test_an_envelope_beyond_the_limit_is_not_read(
    any_store: Store, make_folder: MakeFolder, key: SigningKey, trust: Path
) -> None:
    number = any_store.publish(NAME, make_folder()).number
    huge = strict_json.encode({"payload": "A" * dsse.ENVELOPE_LIMIT_BYTES}, what="a test's")
    any_store.objects.create(signature_key(NAME, number, key.keyid), huge)
    with pytest.raises(BadSignature, match="at most 1048576 bytes"):
        trusting(any_store, trust).manifest(NAME, number)


def test_a_signed_manifest_that_breaks_the_format_is_still_refused(
    store: Store, key: SigningKey, trust: Path
) -> None:
    body = b'{"format": "valence-model/9"}\n'
    store.objects.create(manifest_key(NAME, 1), body)
    subject = {"name": "sentiment@1", "digest": {"sha256": hashlib.sha256(body).hexdigest()}}
    statement = {
        "_type": signing.STATEMENT_TYPE,
        "predicateType": signing.PREDICATE_TYPE,
        "subject": [subject],
    }
    store.objects.create(
        signature_key(NAME, 1, key.keyid), envelope(json.dumps(statement).encode(), key)
    )
    with pytest.raises(InvalidDocument, match="has the format 'valence-model/9'"):
        trusting(store, trust).manifest(NAME, 1)


# -- every byte ----------------------------------------------------------------------------------


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
@pytest.mark.parametrize("part", ["manifest", "envelope", "payload", "blob"])
def test_any_flipped_byte_is_refused(flipped: Flipped, part: str, where: float, flip: int) -> None:
    flipped.check(part, where, flip)


class Flipped:
    """A signed version, of which one byte is changed for the time of a check."""

    def __init__(self, store: Store, key: SigningKey, trust: Path, cache: Path) -> None:
        root = Path(store.url)
        self.guarded, self.cache = trusting(store, trust), cache
        entry = store.manifest(NAME, 1).files["network.safetensors"]
        self.paths = {
            "manifest": root / manifest_key(NAME, 1),
            "envelope": place(store, 1, key),
            "payload": place(store, 1, key),
            "blob": root / blob_key(entry.sha256),
        }
        self.bodies = {part: path.read_bytes() for part, path in self.paths.items()}

    def check(self, part: str, where: float, flip: int) -> None:
        body, path = self.bodies[part], self.paths[part]
        path.write_bytes(
            _payload_flipped(body, where, flip)
            if part == "payload"
            else _flipped(body, where, flip)
        )
        expected = VerifyError if part == "blob" else BadSignature
        try:
            with pytest.raises(expected):
                self.guarded.materialise(NAME, 1, self.cache)
            assert not list(self.cache.glob("*/*/*")), "no runtime saw a byte of it"
        finally:
            path.write_bytes(body)


def _flipped(body: bytes, where: float, flip: int) -> bytes:
    changed = bytearray(body)
    changed[int(where * len(body))] ^= flip
    return bytes(changed)


def _payload_flipped(body: bytes, where: float, flip: int) -> bytes:
    opened = dsse.parse(body)
    payload = _flipped(opened.payload, where, flip)
    return dsse.encode(Envelope(opened.payload_type, payload, opened.keyid, opened.signature))


@pytest.fixture
def flipped(
    store: Store, make_folder: MakeFolder, key: SigningKey, trust: Path, tmp_path: Path
) -> Flipped:
    signed(store, make_folder, key)
    return Flipped(store, key, trust, tmp_path / "cache")


def test_a_folder_in_the_cache_does_not_stand_in_for_a_signature(
    store: Store, make_folder: MakeFolder, key: SigningKey, trust: Path, tmp_path: Path
) -> None:
    number, cache = signed(store, make_folder, key), tmp_path / "cache"
    guarded = trusting(store, trust)
    folder = guarded.materialise(NAME, number, cache)
    (trust / "ada.pub.pem").unlink()
    with pytest.raises(Unsigned):
        guarded.materialise(NAME, number, cache)
    assert store.materialise(NAME, number, cache) == folder
