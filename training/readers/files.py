"""Open files and archive members as numbered lines; nothing is unpacked to disk."""

import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Literal, cast

from training.errors import SHOWN, DataError, MalformedLinesError

_TAR: Final = (".tar", ".tar.gz", ".tar.xz")
_BROKEN: Final = (
    *(EOFError, lzma.LZMAError, zlib.error),
    *(gzip.BadGzipFile, zipfile.BadZipFile, tarfile.TarError),
)


class BadLineError(Exception):
    """Inside the readers only: this line cannot be read, and why. Never holds the line's text."""


@dataclass(slots=True)
class BadLines:
    """Where malformed lines are gathered: all are counted, the first `SHOWN` are kept."""

    shown: list[str] = field(default_factory=list)
    total: int = 0

    def add(self, source: str, reason: object) -> None:
        """source: "file:line"."""
        self.total += 1
        if len(self.shown) < SHOWN:
            self.shown.append(f"{source}: {reason}")

    def check(self, policy: Literal["error", "skip"]) -> None:
        """Raises MalformedLinesError where there are any and the policy is "error"."""
        if self.total and policy == "error":
            raise MalformedLinesError(self.shown, total=self.total)


@dataclass(frozen=True, slots=True)
class Document:
    """An open file, or an archive's member. `name` has no folder: it goes into messages."""

    name: str
    stream: IO[bytes]

    def at(self, line: int) -> str:
        """ "file:line", for `Example.source`."""
        return f"{self.name}:{line}"


def documents(path: Path) -> Iterator[Document]:
    """The file (.xz and .gz are read as they stand), or each member of a .tar.* or .zip, in order.

    Raises DataError for a file that is absent, or no archive of its kind.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path.name!r} in the folder {path.parent.name!r}")
    if path.name.endswith(_TAR):
        yield from _tar_members(path)
    elif path.suffix == ".zip":
        yield from _zip_members(path)
    else:
        with _opened(path) as stream:
            yield Document(path.name, stream)


def numbered_lines(document: Document, encoding: str, bad: BadLines) -> Iterator[tuple[int, str]]:
    """Lines from 1, without their line end or a leading byte-order mark.

    Each line is decoded by itself, so that one wrong byte spoils one line. Lines end at a line
    feed only. `encoding` must keep ASCII as it is, as UTF-8 and Latin-1 do and UTF-16 does not.
    """
    if "\n".encode(encoding) != b"\n":
        raise DataError(f"{document.name}: the encoding {encoding} is not supported; use UTF-8")
    for number, raw in enumerate(_raw_lines(document), start=1):
        try:
            line = raw.decode(encoding)
        except UnicodeDecodeError as error:
            bad.add(document.at(number), f"byte {error.start + 1} is no {encoding}")
            continue
        line = line.removeprefix("\ufeff") if number == 1 else line
        yield number, line.removesuffix("\n").removesuffix("\r")


def _raw_lines(document: Document) -> Iterator[bytes]:
    try:
        yield from document.stream
    except _BROKEN as error:
        raise DataError(f"{document.name} is cut short or damaged: {error}") from None


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".xz":
        return lzma.open(path, "rb")
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    return path.open("rb")


def _tar_members(path: Path) -> Iterator[Document]:
    """Unpacked by lzma or gzip themselves, which say so when a file is cut short: tarfile's own
    streams end in silence.
    """
    with _opened(path) as stream, _tar(stream, path) as archive:
        while (member := _next_member(archive, path)) is not None:
            content = archive.extractfile(member)
            if content is not None:
                yield Document(Path(member.name).name, content)


def _tar(stream: IO[bytes], path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=stream, mode="r|")
    except _BROKEN as error:
        raise DataError(f"{path.name} is no tar archive: {error}") from None


def _next_member(archive: tarfile.TarFile, path: Path) -> tarfile.TarInfo | None:
    try:
        return archive.next()
    except _BROKEN as error:
        raise DataError(f"{path.name} is cut short or damaged: {error}") from None


def _zip_members(path: Path) -> Iterator[Document]:
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path.name} is no zip archive")
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                with archive.open(member) as stream:
                    yield Document(Path(member.filename).name, stream)
