"""Open files and archive members as numbered lines."""

import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from training.errors import DataError, MalformedLinesError
from training.readers.files import BadLines, Document, documents, numbered_lines

LINES = b"one\ntwo\n"


def tar_of(path: Path, mode: str, content: bytes = LINES) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        folder = tarfile.TarInfo("set")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name in ("a.txt", "b.txt"):
            entry = tarfile.TarInfo(f"set/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def packed_as(suffix: str, content: bytes) -> bytes:
    if suffix == ".xz":
        return lzma.compress(content)
    return gzip.compress(content) if suffix == ".gz" else content


def read(path: Path) -> list[tuple[str, list[str]]]:
    return [(d.name, [line for _, line in lines_of(d)]) for d in documents(path)]


def lines_of(document: Document, encoding: str = "utf-8") -> list[tuple[int, str]]:
    return list(numbered_lines(document, encoding, BadLines()))


def test_plain_and_packed_files_read_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(LINES)
    (tmp_path / "a.txt.xz").write_bytes(lzma.compress(LINES))
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(LINES))
    for name in ("a.txt", "a.txt.xz", "a.txt.gz"):
        assert read(tmp_path / name) == [(name, ["one", "two"])]


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tar.xz"])
def test_members_of_a_tar_come_in_order_without_their_folder(tmp_path: Path, ending: str) -> None:
    path = tar_of(tmp_path / f"set.{ending}", "w:" + ending.removeprefix("tar").lstrip("."))
    assert read(path) == [("a.txt", ["one", "two"]), ("b.txt", ["one", "two"])]


def test_members_of_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.mkdir("set")
        archive.writestr("set/a.txt", LINES)
    assert read(tmp_path / "set.zip") == [("a.txt", ["one", "two"])]


def test_nothing_is_unpacked_to_disk(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "set.tar.xz", "w:xz")
    assert len(read(path)) == 2
    assert list(tmp_path.iterdir()) == [path]


def test_only_a_line_feed_ends_a_line() -> None:
    text = "a\u2028b\x0bc\r\nd\re\n\nf"
    document = Document("a", io.BytesIO(text.encode()))
    assert lines_of(document) == [(1, "a\u2028b\x0bc"), (2, "d\re"), (3, ""), (4, "f")]


def test_a_byte_order_mark_is_no_text() -> None:
    document = Document("a", io.BytesIO("\ufeffone\n\ufefftwo".encode()))
    assert lines_of(document) == [(1, "one"), (2, "\ufefftwo")]


def test_latin_1_is_read_where_asked_for() -> None:
    document = Document("a", io.BytesIO("café".encode("latin-1")))
    assert lines_of(document, "latin-1") == [(1, "café")]


def test_a_wrong_byte_spoils_one_line_and_is_reported() -> None:
    bad = BadLines()
    document = Document("a.txt", io.BytesIO(b"one\ntw\xe9\nthree\n"))
    assert list(numbered_lines(document, "utf-8", bad)) == [(1, "one"), (3, "three")]
    assert bad.shown == ["a.txt:2: byte 3 is no utf-8"]


def test_an_encoding_without_ascii_line_ends_is_refused() -> None:
    with pytest.raises(DataError, match="utf-16 is not supported; use UTF-8"):
        lines_of(Document("a.txt", io.BytesIO(b"")), "utf-16")


def test_bad_lines_refuse_or_count() -> None:
    bad = BadLines()
    bad.check("error")
    for number in range(30):
        bad.add(f"a:{number}", "why")
    bad.check("skip")
    assert (bad.total, len(bad.shown)) == (30, 20)
    with pytest.raises(MalformedLinesError, match="and 10 more"):
        bad.check("error")


def test_an_absent_file_is_said_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path / "none.txt")
    assert "'none.txt'" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("name", ["a.tar.xz", "a.tar", "a.zip", "a.txt.xz", "a.txt.gz"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"this is no archive at all, only a line of text\n" * 40)
    with pytest.raises(DataError, match=r"a\."):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.txt.xz", "a.txt.gz", "a.tar", "a.tar.xz", "a.tar.gz"])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).bytes(40_000)  # nothing can make it shorter
    whole = tar_of(tmp_path / "whole.tar", "w", noise).read_bytes() if "tar" in name else noise
    packed = packed_as(Path(name).suffix, whole)
    (tmp_path / name).write_bytes(packed[: len(packed) * 3 // 4])
    with pytest.raises(DataError, match=r"a\.\S+ is cut short or damaged|[ab]\.txt is cut short"):
        [lines_of(document, "latin-1") for document in documents(tmp_path / name)]


def test_an_archive_that_is_cut_between_its_members_is_refused(tmp_path: Path) -> None:
    whole = tar_of(tmp_path / "whole.tar", "w", np.random.default_rng(0).bytes(40_000))
    path = tmp_path / "a.tar.xz"
    path.write_bytes(lzma.compress(whole.read_bytes())[:-100])
    with pytest.raises(DataError, match="cut short or damaged"):
        list(documents(path))
