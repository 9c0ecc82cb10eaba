"""Train the starter models anew and put them into the package: `python -m benchmarks.starters`.

Needs VALENCE_DATA and the training extra. Takes about an hour on two cores: word vectors on
unlabelled reviews, then the recipes of sentiment, tags, aspects and aspect terms, each published
into a fresh store that takes the place of model_store/starter once everything has gone well.

`--references-only` trains nothing: each shipped version gets the reference of its own dev split
(`training.reference`) into its manifest, and is published again with the very same files.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from model_store import Store, open_store
from model_store.manifest import STORE_KEYS
from model_store.starter import embedded_store
from nlp.drift import REFERENCE
from nlp.manifest import read_manifest
from nlp.model import Model
from training.manifest import write_manifest
from training.recipe import from_dict
from training.reference import build_reference
from training.splits import prepare

PACKAGE: Final = Path(__file__).parents[1] / "model_store" / "starter"
VECTORS: Final = Path("runs") / "vectors" / "reviews-100.txt"
RECIPES: Final = ("sentiment", "tags", "aspects", "aspect-terms")
ACTOR: Final = "valence"
REASON: Final = "starter model"
LIMIT_BYTES: Final = 55_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep-vectors", action="store_true", help="use the vectors file there is")
    parser.add_argument("--references-only", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    with TemporaryDirectory(dir=PACKAGE.parent) as scratch:
        store = Path(scratch) / "starter"
        if arguments.references_only:
            _refer_anew(store, Path(scratch))
        else:
            _train_anew(store, keep_vectors=arguments.keep_vectors)
        _check_size(store)
        shutil.rmtree(PACKAGE, ignore_errors=True)
        shutil.move(store, PACKAGE)


def _train_anew(store: Path, *, keep_vectors: bool) -> None:
    if not (keep_vectors and VECTORS.is_file()):
        _valence("train", "vectors", "--set", "dimensions=100", "--set", f"output={VECTORS}")
    for recipe in RECIPES:
        _valence("train", recipe, "--store", str(store))
        why = ("--actor", ACTOR, "--reason", REASON)
        _valence("models", "promote", f"{recipe}@1", *why, "--store", str(store))


def _refer_anew(store: Path, scratch: Path) -> None:
    shipped, target = embedded_store(), open_store(store)
    for name in RECIPES:
        folder = shipped.export(name, 1, scratch / name)
        _refer(folder)
        target.publish(name, folder)
        target.promote(name, 1, actor=ACTOR, reason=REASON)
        _check_same_files(shipped, target, name)


def _refer(folder: Path) -> None:
    """Write the reference into the draft of a version that was exported."""
    manifest = {k: v for k, v in read_manifest(folder).items() if k not in STORE_KEYS}
    recipe = from_dict(manifest["recipe"])
    reference = build_reference(Model.load(folder), prepare(recipe).splits.dev, seed=recipe.seed)
    write_manifest({**manifest, REFERENCE: reference.to_dict()}, folder)
    said = "no accuracy" if reference.accuracy is None else f"accuracy {reference.accuracy:.4f}"
    print(f"{recipe.name}: {reference.sketch.items:,} items of dev, {said}")


def _check_same_files(old: Store, new: Store, name: str) -> None:
    if old.manifest(name, 1).files != new.manifest(name, 1).files:
        raise SystemExit(f"{name}: other files than before")


def _valence(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "valence", *arguments], check=True)


def _check_size(store: Path) -> None:
    size = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    print(f"starters: {size / 1e6:.1f} MB")
    if size > LIMIT_BYTES:
        raise SystemExit(f"the starters may take {LIMIT_BYTES / 1e6:.0f} MB at most")


if __name__ == "__main__":
    main()
