"""Take out of a root file system what a service never runs: installers, shells and their tools.

    python3 slim.py ROOT

A package goes whole: its files and its entry in dpkg's record, so that the record, and the SBOM
made from it, stay true. Libraries stay, and so does every file that a package which stays has, too.
The standard library's bytecode is made where the base image comes without.
"""

import os
import shutil
import stat
import sys
from pathlib import Path

from finish import compile_library

TOOLS = frozenset(
    [
        *("apt", "libapt-pkg6.0", "gpgv", "debian-archive-keyring", "dpkg", "debconf", "perl-base"),
        *("bash", "dash", "coreutils", "diffutils", "findutils", "grep", "sed", "mawk", "gzip"),
        *("tar", "debianutils", "hostname", "ncurses-bin", "openssl", "adduser", "passwd", "login"),
        *("mount", "util-linux", "util-linux-extra", "bsdutils", "e2fsprogs", "logsave"),
        *("sysvinit-utils", "init-system-helpers", "python3-venv", "python3.11-venv"),
        *("python3-pip-whl", "python3-setuptools-whl", "python3-distutils", "python3-lib2to3"),
    ]
)
LEFT_OF_PYTHON = ("ensurepip", "idlelib", "lib2to3", "site-packages", "test", "turtledemo")
"""Folders of a Python under /usr/local that only installing or developing uses."""
STATUS = "var/lib/dpkg/status"
SET_ID = stat.S_ISUID | stat.S_ISGID
INFO = "var/lib/dpkg/info"


def main(root: Path) -> None:
    """Everything, in place."""
    remove_packages(root, TOOLS)
    for library in root.glob("usr/local/lib/python3.*"):
        for name in LEFT_OF_PYTHON:
            shutil.rmtree(library / name, ignore_errors=True)
    for script in root.glob("usr/local/bin/pip*"):
        script.unlink()
    drop_privilege_bits(root)
    for library in (*root.glob("usr/lib/python3*"), *root.glob("usr/local/lib/python3.*")):
        compile_library(library, stage=str(root))


def remove_packages(root: Path, names: frozenset[str]) -> None:
    """Remove Debian packages, by dpkg's lists of files, without running anything of theirs."""
    lists = {path.stem.split(":")[0]: path for path in (root / INFO).glob("*.list")}
    kept = {
        line
        for name, path in lists.items()
        if name not in names
        for line in path.read_text().splitlines()
    }
    for name in sorted(names & lists.keys()):
        for line in lists[name].read_text().splitlines():
            if line not in kept:
                _remove_file(root, line)
        for record in (root / INFO).glob(f"{lists[name].stem}.*"):
            record.unlink()
    _forget(root / STATUS, names)


def _remove_file(root: Path, name: str) -> None:
    """A file or a link to one, never a folder; nothing outside `root`, whatever its links say."""
    path = root / name.lstrip("/")
    folder = path.parent.resolve()
    inside = folder.is_relative_to(root.resolve())
    if inside and not path.is_dir() and (path.is_symlink() or path.is_file()):
        (folder / path.name).unlink()


def _forget(status: Path, names: frozenset[str]) -> None:
    if status.is_file():
        paragraphs = status.read_text(encoding="utf-8").split("\n\n")
        kept = [text for text in paragraphs if _package(text) not in names]
        status.write_text("\n\n".join(kept), encoding="utf-8")


def _package(paragraph: str) -> str:
    return paragraph.partition("\n")[0].removeprefix("Package: ")


def drop_privilege_bits(root: Path) -> None:
    """No program under `root` runs as another user or group than its caller."""
    for folder, _, names in os.walk(root):
        for path in (Path(folder, name) for name in names):
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) and mode & SET_ID:
                path.chmod(stat.S_IMODE(mode) & ~SET_ID)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
