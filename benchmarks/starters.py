"""Train the starter models anew and put them into the package: `python -m benchmarks.starters`.

Needs VALENCE_DATA and the training extra. Takes about an hour on two cores: word vectors on
unlabelled reviews, then the recipes of sentiment, tags, aspects and aspect terms, each published
into a fresh store that takes the place of model_store/starter once everything has gone well.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

PACKAGE: Final = Path(__file__).parents[1] / "model_store" / "starter"
VECTORS: Final = Path("runs") / "vectors" / "reviews-100.txt"
RECIPES: Final = ("sentiment", "tags", "aspects", "aspect-terms")
LIMIT_BYTES: Final = 55_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep-vectors", action="store_true", help="use the vectors file there is")
    arguments = parser.parse_args()
    if not (arguments.keep_vectors and VECTORS.is_file()):
        _valence("train", "vectors", "--set", "dimensions=100", "--set", f"output={VECTORS}")
    with TemporaryDirectory(dir=PACKAGE.parent) as scratch:
        store = Path(scratch) / "starter"
        for recipe in RECIPES:
            _valence("train", recipe, "--store", str(store))
            why = ("--actor", "valence", "--reason", "starter model")
            _valence("models", "promote", f"{recipe}@1", *why, "--store", str(store))
        _check_size(store)
        shutil.rmtree(PACKAGE, ignore_errors=True)
        shutil.move(store, PACKAGE)


def _valence(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "valence", *arguments], check=True)


def _check_size(store: Path) -> None:
    size = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    print(f"starters: {size / 1e6:.1f} MB")
    if size > LIMIT_BYTES:
        raise SystemExit(f"the starters may take {LIMIT_BYTES / 1e6:.0f} MB at most")


if __name__ == "__main__":
    main()
