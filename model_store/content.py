"""What a file of a version may be: no pickle under any name, no impossible safetensors header.

Only the first bytes of a file and its size are looked at; nothing is parsed beyond them. A runtime
that then opens the file meets bytes whose digest and outer shape are already known to be right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from model_store.errors import UnsafeFile, VerifyError
from model_store.names import check_file

HEAD_BYTES = 512
CHUNK_BYTES = 1024 * 1024
SAFETENSORS_HEADER_LIMIT_BYTES = 100 * 1024 * 1024  # the safetensors library's own limit

_PICKLE_SUFFIXES = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib", ".dill")
_PICKLE_PROTOCOLS = range(2, 6)  # protocols 0 and 1 have no magic number
_ZIP_MAGIC = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of a version: its content's sha256 (64 lower-case hex digits) and size in bytes."""

    sha256: str
    size: int


def check_file_name(file: str) -> str:
    """Return `file`; raise UnsafeFile for a path, a strange name, or a name used for pickles."""
    check_file(file)
    if file.lower().endswith(_PICKLE_SUFFIXES):
        raise UnsafeFile(
            f"{file} is refused: names ending in {', '.join(_PICKLE_SUFFIXES)} hold pickles, which "
            "run code when read; weights are stored as .safetensors or .onnx"
        )
    return file


def check_head(file: str, head: bytes, *, size: int) -> None:
    """Look at the first `HEAD_BYTES` of a file of `size` bytes.

    Raises:
        UnsafeFile: a pickle, a zip archive around one (torch.save), or a safetensors file whose
            header is above 100 MB, longer than the file, or no JSON object.
    """
    if file.lower().endswith(".safetensors"):
        _check_safetensors(file, head, size=size)
    elif _is_pickle(head):
        raise UnsafeFile(f"{file} is refused: its content is a pickle, which runs code when read")


def _is_pickle(head: bytes) -> bool:
    if head.startswith(_ZIP_MAGIC):
        return b"data.pkl" in head
    return len(head) > 1 and head[0] == 0x80 and head[1] in _PICKLE_PROTOCOLS


def _check_safetensors(file: str, head: bytes, *, size: int) -> None:
    length = int.from_bytes(head[:8], "little")
    if size < 10 or length > SAFETENSORS_HEADER_LIMIT_BYTES or 8 + length > size:
        raise UnsafeFile(
            f"{file} is refused: a safetensors header of {length} bytes in a file of {size} bytes; "
            f"at most {SAFETENSORS_HEADER_LIMIT_BYTES} bytes and inside the file are allowed"
        )
    if head[8:9] != b"{":
        raise UnsafeFile(f"{file} is refused: its safetensors header is no JSON object")


class Digester:
    """Counts and hashes bytes as they pass, and keeps the head of them."""

    __slots__ = ("_hash", "head", "size")

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.head = b""
        self.size = 0

    def add(self, chunk: bytes) -> None:
        self._hash.update(chunk)
        self.size += len(chunk)
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]

    def entry(self) -> FileEntry:
        return FileEntry(self._hash.hexdigest(), self.size)


def digest_chunks(chunks: Iterable[bytes]) -> Digester:
    """Read all of `chunks` and return the digester that saw them."""
    digester = Digester()
    for chunk in chunks:
        digester.add(chunk)
    return digester


def read_chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a local file, one MiB at a time."""
    with path.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            yield chunk


def digest_file(path: Path) -> Digester:
    """Hash a local file without holding more than one MiB of it."""
    return digest_chunks(read_chunks(path))


def check_entry(file: str, found: Digester, *, expected: FileEntry, where: str) -> None:
    """Raise VerifyError unless `found` is what the manifest of `where` expects, else check heads.

    Raises:
        VerifyError: size or sha256 differ.
        UnsafeFile: right bytes of a forbidden kind.
    """
    if found.size != expected.size:
        raise VerifyError(
            f"{file} of {where} is {found.size} bytes; its manifest says {expected.size}", file=file
        )
    if (sha256 := found.entry().sha256) != expected.sha256:
        raise VerifyError(
            f"{file} of {where} is damaged: its sha256 is {sha256}, its manifest says "
            f"{expected.sha256}",
            file=file,
        )
    check_head(file, found.head, size=found.size)
