"""The first bytes of a file decide whether a version may hold it."""

from __future__ import annotations

import pickle
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from model_store import UnsafeFile
from model_store.content import HEAD_BYTES, FileEntry, check_head, digest_chunks, digest_file


def torch_archive() -> bytes:
    """What torch.save writes: a zip archive around a pickle."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02.")
    return buffer.getvalue()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_under_any_name_is_refused(protocol: int) -> None:
    content = pickle.dumps({"weights": [1.0]}, protocol=protocol)
    with pytest.raises(UnsafeFile, match=r"notes\.txt is refused: its content is a pickle"):
        check_head("notes.txt", content, size=len(content))


def test_a_zip_around_a_pickle_is_refused_and_another_zip_is_not() -> None:
    content = torch_archive()
    with pytest.raises(UnsafeFile, match="pickle"):
        check_head("network.onnx", content[:HEAD_BYTES], size=len(content))
    check_head("arrays.npz", content.replace(b"data.pkl", b"data.npy"), size=len(content))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ((101 * 1024 * 1024).to_bytes(8, "little") + b"{}", "at most 104857600 bytes"),
        (b"\xff" * 8 + b"{}", "header of 18446744073709551615 bytes"),
        ((3).to_bytes(8, "little") + b"{}", "inside the file"),
        (b"\x00" * 4, "in a file of 4 bytes"),
        (b"", "in a file of 0 bytes"),
        ((2).to_bytes(8, "little") + b"[]", "no JSON object"),
    ],
)
def test_an_impossible_safetensors_header_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UnsafeFile, match=reason):
        check_head("network.safetensors", content, size=len(content))


def test_a_safetensors_header_whose_length_looks_like_a_pickle_is_taken() -> None:
    # A header of 0x0280 bytes begins with 80 02, the magic number of pickle protocol 2.
    content = (0x0280).to_bytes(8, "little") + b"{".ljust(0x0280)
    check_head("network.safetensors", content, size=len(content))


def test_a_digest_needs_no_whole_file_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(b"ab" * 1_500_000)
    found = digest_file(path)
    assert found.entry() == digest_chunks([b"ab" * 1_500_000]).entry()
    assert (found.size, len(found.head)) == (3_000_000, HEAD_BYTES)
    assert digest_chunks([]).entry() == FileEntry(
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0
    )
