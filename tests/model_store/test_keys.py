"""Key files: made once, private, of one algorithm; trusted as the folder stands now."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519

from model_store import Conflict, Invalid, Keys, KeysUnavailable, SigningKey, Unavailable
from model_store.keys import FILE_LIMIT_BYTES, KEYS_LIMIT, PASSPHRASE_VARIABLE, make_key

MakeKey = Callable[[str], SigningKey]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    made.mkdir()
    return made


@pytest.fixture
def made(tmp_path: Path, folder: Path) -> MakeKey:
    """A new key whose public half is in `folder` under that name."""

    def make(name: str) -> SigningKey:
        key, public = make_key(tmp_path / f"{name}.pem")
        public.rename(folder / public.name)
        return key

    return make


def pem_of(key: object) -> bytes:
    public = getattr(key, "public_key")()  # noqa: B009
    pem: bytes = public.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    return pem


def test_a_key_is_made_private_and_never_written_over(tmp_path: Path) -> None:
    old = os.umask(0)  # the mode must not be the umask's doing
    try:
        key, public = make_key(tmp_path / "signer.pem")
    finally:
        os.umask(old)
    private = tmp_path / "signer.pem"
    assert public == tmp_path / "signer.pub.pem"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (private, public)] == [0o600, 0o644]
    der = form.load_pem_public_key(public.read_bytes()).public_bytes(
        form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo
    )
    assert key.keyid == hashlib.sha256(der).hexdigest()
    assert SigningKey.read(private).keyid == key.keyid
    before = private.read_bytes(), public.read_bytes()
    with pytest.raises(Conflict, match="never written over"):
        make_key(private)
    public.rename(tmp_path / "moved.pem")
    with pytest.raises(Conflict, match=r"signer\.pem exists"):
        make_key(private)
    assert (private.read_bytes(), (tmp_path / "moved.pem").read_bytes()) == before
    assert "PRIVATE" not in repr(key)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl command")
def test_openssl_reads_the_keys(tmp_path: Path) -> None:
    key, public = make_key(tmp_path / "signer.pem")
    message = tmp_path / "message"
    message.write_bytes(b"DSSEv1 1 a 1 b")
    (tmp_path / "signature").write_bytes(key.sign(b"DSSEv1 1 a 1 b"))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-rawin", "-inkey", str(public)]
    files = ["-in", str(message), "-sigfile", str(tmp_path / "signature")]
    checked = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in checked.stdout, checked.stderr


def test_a_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "signer.pem"
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "four small horses")
    key, _ = make_key(path)
    assert b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
    assert SigningKey.read(path).keyid == key.keyid
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "four small dogs")
    with pytest.raises(Invalid, match="the passphrase in VALENCE_KEY_PASSPHRASE is wrong"):
        SigningKey.read(path)
    monkeypatch.delenv(PASSPHRASE_VARIABLE)
    with pytest.raises(Invalid, match="it has a passphrase; set VALENCE_KEY_PASSPHRASE"):
        SigningKey.read(path)
    plain, _ = make_key(tmp_path / "plain.pem")
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "not needed")
    assert SigningKey.read(tmp_path / "plain.pem").keyid == plain.keyid


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"x" * (FILE_LIMIT_BYTES + 1)])
def test_what_is_no_private_key_signs_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "signer.pem").write_bytes(content)
    with pytest.raises(Invalid, match="cannot sign with"):
        SigningKey.read(tmp_path / "signer.pem")


OTHERS: dict[str, Callable[[], Any]] = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ed448": ed448.Ed448PrivateKey.generate,
    "x25519": x25519.X25519PrivateKey.generate,
}


@pytest.mark.parametrize("kind", OTHERS)
def test_only_ed25519_is_a_key(folder: Path, kind: str) -> None:
    key = OTHERS[kind]()
    (folder / "other.pem").write_bytes(pem_of(key))
    with pytest.raises(KeysUnavailable, match=r"other\.pem is not read: its key is not an Ed25519"):
        Keys(folder).current()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    (folder / "private.pem").write_bytes(private)
    with pytest.raises(Invalid, match="its key is not an Ed25519 one"):
        SigningKey.read(folder / "private.pem")


def test_the_folder_as_it_stands_now_is_trusted(folder: Path, made: MakeKey) -> None:
    keys = Keys(folder)
    assert keys.current() == {}
    a, b = made("a"), made("b")
    (folder / "notes.txt").write_text("who holds which key")
    assert keys.current().keys() == {a.keyid, b.keyid}
    public = keys.current()[a.keyid]
    assert public.verifies(a.sign(b"message"), b"message")
    assert not public.verifies(b.sign(b"message"), b"message")
    assert not public.verifies(b"", b"message")
    (folder / "a.pub.pem").unlink()
    assert keys.current().keys() == {b.keyid}
    (folder / "revoked.txt").write_text(f"# lost in March\n{b.keyid}  # the laptop\n\n")
    assert keys.current() == {}
    (folder / "revoked.txt").unlink()
    assert keys.current().keys() == {b.keyid}


def test_a_file_written_over_with_another_key_of_the_same_length(
    folder: Path, made: MakeKey
) -> None:
    made("a")
    keys, path = Keys(folder), folder / "a.pub.pem"
    keys.current()
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    other = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(pem_of(other))
    os.utime(path, ns=times)
    (key,) = keys.current().values()
    assert key.verifies(other.sign(b"x"), b"x")


def test_files_and_folders_by_comma(folder: Path, made: MakeKey, tmp_path: Path) -> None:
    a, b = made("a"), made("b")
    (folder / "b.pub.pem").rename(tmp_path / "b.public")
    assert Keys.of(f"{folder} , {tmp_path / 'b.public'},").current().keys() == {a.keyid, b.keyid}
    with pytest.raises(Invalid, match="by comma"):
        Keys.of(" , ")


def test_a_mounted_folder_of_links_is_read(folder: Path, made: MakeKey, tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap: links to files in a folder that is exchanged at once."""
    a, b = made("a"), made("b")
    mount = tmp_path / "mount"
    for name in ("first", "second"):
        (mount / f"..{name}").mkdir(parents=True)
    for name, key in (("first", "a"), ("second", "b")):
        (folder / f"{key}.pub.pem").rename(mount / f"..{name}" / "signer.pem")
    (mount / "..data").symlink_to("..first")
    (mount / "signer.pem").symlink_to("..data/signer.pem")
    keys = Keys(mount)
    assert keys.current().keys() == {a.keyid}
    (mount / "..new").symlink_to("..second")
    (mount / "..new").rename(mount / "..data")
    assert keys.current().keys() == {b.keyid}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.pem", b"nonsense", "one PEM public key a file"),
        ("a.pem", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no PEM public"),
        ("a.pem", b"-----BEGIN PRIVATE KEY-----", "holds a private key"),
        ("a.pem", b"x" * (FILE_LIMIT_BYTES + 1), "longer than"),
        ("revoked.txt", b"abc", "is no key id"),
        ("revoked.txt", b"\xff", "not read"),
    ],
)
def test_one_file_that_cannot_be_read_trusts_nothing(
    folder: Path, made: MakeKey, name: str, content: bytes, reason: str
) -> None:
    key = made("good")
    keys = Keys(folder)
    (folder / name).write_bytes(content)
    with pytest.raises(KeysUnavailable, match=reason) as refused:
        keys.current()
    assert isinstance(refused.value, Unavailable), "worth another try: it may be half written"
    assert str(folder / name) in str(refused.value)
    (folder / name).unlink()
    assert keys.current().keys() == {key.keyid}


def test_missing_keys_and_too_many(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeysUnavailable, match="No such file"):
        Keys(tmp_path / "nowhere").current()
    for index in range(KEYS_LIMIT + 1):
        key = ed25519.Ed25519PrivateKey.generate()
        (folder / f"{index}.pem").write_bytes(pem_of(key))
    with pytest.raises(KeysUnavailable, match="100 are allowed"):
        Keys(folder).current()
