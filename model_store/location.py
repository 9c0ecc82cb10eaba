"""Where a store is: a folder, or a bucket of S3, Google Cloud or Azure.

Credentials and endpoints come from the environment (`AWS_*`, `GOOGLE_*`, `AZURE_*`), never from the
URL. For S3 without `AWS_ACCESS_KEY_ID`, boto3's chain (profiles, SSO, instance roles) is asked
where the extra `s3` is installed; otherwise obstore's own reading of the environment stands.
"""

from __future__ import annotations

import importlib.util
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from model_store.errors import Invalid, NotFound, Unavailable
from model_store.objects import Objects

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig, S3CredentialProvider

SCHEMES = ("file", "s3", "gs", "az")
RETRY_SECONDS = 30  # obstore's default of three minutes looks like a hang


def default_store_url() -> str:
    """The per-user local store: `<home>/store`, home being VALENCE_HOME or ~/.local/share/valence.

    XDG_DATA_HOME takes the place of ~/.local/share where it is set.
    """
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    home = os.environ.get("VALENCE_HOME") or Path(data) / "valence"
    return str(Path(home) / "store")


def open_objects(url: str | Path, *, create: bool, read_only: bool = False) -> Objects:
    """Open the storage behind `url`.

    Args:
        url: a path, `file:///path`, `s3://bucket/prefix`, `gs://bucket/prefix` or
            `az://container/prefix`.
        create: make a missing local folder; buckets are never made.

    Raises:
        Invalid: a URL of another form.
        NotFound: a local folder that is missing, with `create` off.
        Unavailable: the folder cannot be made, or the bucket's settings are incomplete.
    """
    if isinstance(url, str) and "://" in url:
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES:
            raise Invalid(f"{parts.scheme}:// is no store; a path or {', '.join(SCHEMES)} is")
        if parts.scheme != "file":
            return _open_bucket(url, read_only=read_only)
        return _open_folder(_path_of(url), create=create, read_only=read_only)
    return _open_folder(Path(url), create=create, read_only=read_only)


def _path_of(url: str) -> Path:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise Invalid(f"{url} is no local folder; file:///absolute/path is")
    return Path(unquote(parts.path))


def _open_folder(folder: Path, *, create: bool, read_only: bool) -> Objects:
    from obstore.store import LocalStore

    folder = folder.expanduser().absolute()
    if not folder.is_dir():
        if not create:
            raise NotFound(f"there is no store at {folder}")
        _make(folder)
    return Objects(LocalStore(folder), url=str(folder), folder=folder, read_only=read_only)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"cannot make the store {folder}: {error.strerror}") from error


def _open_bucket(url: str, *, read_only: bool) -> Objects:
    from obstore.exceptions import BaseError

    parts = urlsplit(url)
    if not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
        raise Invalid("a bucket's URL is scheme://bucket/prefix, without credentials or options")
    try:
        backend = _bucket(url)
    except (BaseError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise Unavailable(f"cannot open the store {url}: {reason}") from error
    return Objects(backend, url=url, read_only=read_only)


def _bucket(url: str) -> ObjectStore:
    from obstore.store import from_url

    retry: RetryConfig = {"max_retries": 5, "retry_timeout": timedelta(seconds=RETRY_SECONDS)}
    provider = _s3_credentials() if url.startswith("s3://") else None
    if provider is None:
        return from_url(url, retry_config=retry)
    return from_url(url, retry_config=retry, credential_provider=provider)


def _s3_credentials() -> S3CredentialProvider | None:
    if os.environ.get("AWS_ACCESS_KEY_ID") or importlib.util.find_spec("boto3") is None:
        return None
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        return Boto3CredentialProvider()
    except ValueError:  # boto3 finds no credentials; obstore may still know a way
        return None
