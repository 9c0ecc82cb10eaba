"""`valence models keygen, sign, verify`: who vouches for a version, and whether it is sound.

Exit status: 0 done, 1 refused or failed (one line on stderr says why), 2 wrong usage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from model_store import display, keys
from model_store.errors import StoreError
from model_store.keys import SigningKey
from model_store.options import Actor, Json, StoreUrl, Trusted, print_json, refusals, trusted_keys
from model_store.store import Store, open_store


def keygen(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The private key, such as signer.pem.")
    ],
) -> None:
    """Make an Ed25519 key: FILE (mode 0600) to sign with, FILE's .pub.pem for those who verify.

    Neither is ever written over. With VALENCE_KEY_PASSPHRASE set, the private key is encrypted.
    """
    with refusals():
        key, public = keys.make_key(file)
    typer.echo(f"key {key.keyid}")
    typer.echo(f"sign with {file}, which stays secret; services trust {public}")


def sign(
    reference: Annotated[
        str, typer.Argument(metavar="NAME@NUMBER|NAME@ALIAS", help="The version to vouch for.")
    ],
    store: StoreUrl,
    actor: Actor,
    key: Annotated[
        Path,
        typer.Option(
            "--key", help="The private key (PEM); VALENCE_KEY_PASSPHRASE holds its passphrase."
        ),
    ],
    digest: Annotated[
        str | None,
        typer.Option("--digest", help="Sign only if this is the sha256 of its manifest."),
    ] = None,
) -> None:
    """Sign a version, once all its files were read and found right; beside other signatures."""
    if "@" not in reference:
        raise typer.BadParameter("say which version: NAME@NUMBER or NAME@ALIAS")
    with refusals():
        signing_key = SigningKey.read(key)
        opened = open_store(store, create=False)
        version = opened.resolve(reference)
        opened.sign(
            version.name,
            version.number,
            signing_key,
            signer=actor,
            digest=digest or version.digest,
        )
    typer.echo(
        f"{version.reference}, manifest {version.digest}, is signed by key {signing_key.keyid}"
    )


def verify(
    store: StoreUrl,
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME[@NUMBER|@ALIAS]]...", help="Without any, every version."),
    ] = None,
    trusted: Trusted = "",
    as_json: Json = False,
) -> None:
    """Read every file of the versions and compare it with its manifest; with --trusted, and that
    one of these keys signed the manifest.
    """
    with refusals():
        trust = trusted_keys(trusted)
        opened = open_store(store, create=False)
        versions = _versions(opened, references or [])
        checked = Store(opened.objects, trusted=trust)
        results = [_verified(checked, name, number) for name, number in versions]
    if as_json:
        print_json(results)
    else:
        display.print_verified(results)
    if any(result["error"] for result in results):
        raise typer.Exit(1)


def _versions(store: Store, references: list[str]) -> list[tuple[str, int]]:
    if not references:
        return [(name, number) for name in store.names() for number in store.versions(name)]
    resolved = [store.resolve(reference) for reference in references]
    return [(version.name, version.number) for version in resolved]


def _verified(store: Store, name: str, number: int) -> dict[str, Any]:
    error = None
    try:
        store.verify(name, number)
    except StoreError as refused:
        error = str(refused)
    signed = store.trusted is not None and error is None
    return {"name": name, "version": number, "signed": signed, "error": error}
