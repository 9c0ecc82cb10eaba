"""Make a virtual environment ready for an image: packages' own tests out, bytecode in.

    python3 finish.py ENVIRONMENT

The bytecode is not checked against its source again (PEP 552, unchecked), for the image changes
neither; a root that cannot be written makes none at run time.
"""

import compileall
import py_compile
import shutil
import sys
from pathlib import Path

UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH


def main(environment: str, stage: str = "") -> None:
    """`stage` is what lies before the environment's path for now and will not in the image."""
    library = Path(stage + environment) / "lib"
    for folder in sorted(library.glob("python3*/site-packages/**/tests")):
        shutil.rmtree(folder, ignore_errors=True)
    compile_library(library, stage=stage)


def compile_library(library: Path, *, stage: str = "") -> None:
    """Bytecode for every file that this Python can read; some packages hold others."""
    compileall.compile_dir(
        library, quiet=2, maxlevels=99, stripdir=stage or None, invalidation_mode=UNCHECKED
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
