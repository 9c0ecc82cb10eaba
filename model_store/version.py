"""What `resolve` and `publish` answer: a version, as callers carry it about."""

from __future__ import annotations

from dataclasses import dataclass

from model_store.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Version:
    """An immutable version: model name, number from 1, and the sha256 of its manifest."""

    name: str
    number: int
    digest: str

    @property
    def reference(self) -> str:
        """`name@number`, which `Store.resolve` reads back."""
        return f"{self.name}@{self.number}"


def version_of(manifest: Manifest) -> Version:
    return Version(manifest.name, manifest.version, manifest.digest)
