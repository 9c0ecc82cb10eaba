"""Where a store may be, and what is said when it cannot be reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_store import Invalid, NotFound, Unavailable, default_store_url, open_store


def test_a_path_and_a_file_url_are_one_store(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    first = open_store(folder)
    second = open_store(f"file://{folder}".replace(" ", "%20"), create=False)
    assert first.url == second.url == str(folder)


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_store("here").url == str(tmp_path / "here")


def test_a_missing_folder_is_made_only_when_told_to(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no store at"):
        open_store(tmp_path / "store", create=False)
    open_store(tmp_path / "store")
    open_store(tmp_path / "store", create=False)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="cannot make the store"):
        open_store(tmp_path / "file" / "store")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/x",
        "http://host/x",
        "file://host/x",
        "file://",
        "s3://",
        "s3://key:secret@bucket/x",
        "s3://bucket/x?endpoint=1",
        "gs://bucket/x#part",
    ],
)
def test_another_form_is_refused_without_repeating_a_secret(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_the_default_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("VALENCE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    assert default_store_url() == "/home/ada/.local/share/valence/store"
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_store_url() == "/data/valence/store"
    monkeypatch.setenv("VALENCE_HOME", "/valence")
    assert default_store_url() == "/valence/store"


def test_s3_with_the_credentials_of_a_profile(
    s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(key)
    credentials = tmp_path / "credentials"
    credentials.write_text("[default]\naws_access_key_id = tests\naws_secret_access_key = tests\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    store = open_store(s3_url)
    assert store.objects.create("models/x", b"1")
    assert store.objects.read("models/x") == b"1"


def test_s3_without_any_credentials_opens(
    s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(key)
    for key in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(key, str(tmp_path / "missing"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert open_store(s3_url).url == s3_url


def test_a_bucket_that_is_not_there_is_said(s3_url: str) -> None:
    store = open_store(s3_url.replace("tests-", "nowhere-"))
    with pytest.raises((Unavailable, NotFound), match="cannot list models"):
        store.names()


def test_settings_that_make_no_bucket_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_CONDITIONAL_PUT", "nonsense")
    with pytest.raises(Unavailable, match="cannot open the store s3://bucket/x"):
        open_store("s3://bucket/x")
