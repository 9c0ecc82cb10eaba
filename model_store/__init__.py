"""model_store: where versions of models are kept. Bytes, names and digests; no torch, no nlp.

    from model_store import open_store

    store = open_store("s3://models/valence")            # or a path, file://, gs://, az://
    version = store.publish("sentiment", folder)         # folder: manifest.json and the files
    store.promote("sentiment", version.number, actor="ada@desk", reason="better on dev")
    folder = store.materialise("sentiment", store.resolve("sentiment").number, cache)

Layout, everything derived by the store and nothing ever updated in place:

    <root>/blobs/sha256/<hex>                              content, shared by versions
    <root>/models/<name>/versions/<n>.json                 the manifest, written last: the commit
    <root>/models/<name>/versions/<n>.signatures/<keyid>.dsse.json   who vouches for it
    <root>/models/<name>/versions/<n>.retired.json         gc gave up this version's files
    <root>/models/<name>/aliases/<alias>/<00000042>.json   append-only log of an alias
    <root>/models/<name>/leases/<kind>/<00000007>.json     append-only log of a lease

Choices made here, each explained where it is kept:

- Create-only writes decide every race; no lock, no compare-and-swap (`log`, `publish`).
- A blob is the one thing written over, by equal bytes: it renews its age for gc (`publish`).
- Leases run out by time and save work; truth needs none (`lease`).
- Manifests are never deleted; gc retires a version beside its manifest (`collect`).
- Rollback walks back and never forth (`log`).
- A local folder is proven before it is visible and never moves afterwards (`cache`).
- With trusted keys, no manifest is parsed that none of them signed (`signing`).
- What is read is checked as if a stranger had written it (`strict_json`, `manifest`, `content`).
"""

from model_store.collect import GcReport
from model_store.content import FileEntry
from model_store.errors import (
    BadSignature,
    Conflict,
    Invalid,
    InvalidDocument,
    InvalidName,
    KeysUnavailable,
    LeaseHeld,
    LeaseLost,
    NotFound,
    ReadOnly,
    Retired,
    StoreError,
    Unavailable,
    UnsafeFile,
    Unsigned,
    Untrusted,
    VerifyError,
)
from model_store.keys import Keys, SigningKey
from model_store.location import default_store_url
from model_store.log_entry import LogEntry
from model_store.manifest import Manifest
from model_store.store import Store, open_store
from model_store.version import Version

__all__ = [
    "BadSignature",
    "Conflict",
    "FileEntry",
    "GcReport",
    "Invalid",
    "InvalidDocument",
    "InvalidName",
    "Keys",
    "KeysUnavailable",
    "LeaseHeld",
    "LeaseLost",
    "LogEntry",
    "Manifest",
    "NotFound",
    "ReadOnly",
    "Retired",
    "SigningKey",
    "Store",
    "StoreError",
    "Unavailable",
    "UnsafeFile",
    "Unsigned",
    "Untrusted",
    "VerifyError",
    "Version",
    "default_store_url",
    "open_store",
]
