"""The scripts of the build: what is passed of pip's settings, what is taken out, what is listed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from finish import main as finish
from image import build_command, parse_settings, torch_index
from sbom import debian_components
from slim import TOOLS, main, remove_packages

SCRIPTS = Path(__file__).parents[2] / "docker" / "scripts"
STATUS = """Package: bash
Status: install ok installed
Version: 5.2-1+b1
Architecture: amd64
Description: a shell
 Status: of no matter

Package: libc6
Status: install ok installed
Version: 2.36-9
Architecture: amd64

Package: gone
Status: deinstall ok config-files
Version: 1
Architecture: all
"""


# -- image.py --------------------------------------------------------------------------------------


def test_pips_settings_go_along_but_the_place_of_the_certificates(tmp_path: Path) -> None:
    links, index = tmp_path / "links", tmp_path / "index" / "simple"
    links.mkdir()
    index.mkdir(parents=True)
    listing = f"""
:env:.find-links='{links}'
:env:.cert='/somewhere/ca.crt'
global.extra-index-url='file://{index} https://packages.example/simple'
global.find-links='/overruled'
global.constraint='/not/passed.txt'
"""
    settings = parse_settings(listing)
    assert settings.ca == Path("/somewhere/ca.crt")
    assert settings.folders == (index.parent, links)
    lines = settings.text().splitlines()
    assert lines[0] == "[global]"
    assert f"find-links = {links}" in lines
    assert f"extra-index-url = file://{index} https://packages.example/simple" in lines
    assert "cert = /run/secrets/ca.pem" in lines
    assert "constraint" not in settings.text()


def test_where_pip_is_told_nothing_nothing_is_passed(tmp_path: Path) -> None:
    command = build_command(
        "serve",
        tag="valence:serve",
        builder="docker",
        settings=parse_settings(""),
        pip_conf=tmp_path / "pip.conf",
        base=None,
    )
    assert command[:2] == ["docker", "build"]
    assert not {"--secret", "--volume"} & set(command)
    assert not [part for part in command if part.startswith(("BASE=", "TORCH_INDEX="))]


def test_folders_are_mounted_and_torch_is_asked_of_nobody_where_one_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    (tmp_path / "torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl").touch()
    settings = parse_settings(f"global.find-links='{tmp_path}'")
    command = build_command(
        "train",
        tag="t",
        builder="buildah",
        settings=settings,
        pip_conf=tmp_path / "pip.conf",
        base="here:1",
    )
    assert "TORCH_INDEX=" in command
    assert "BASE=here:1" in command
    assert f"{tmp_path}:{tmp_path}:ro" in command
    assert "--format" in command
    monkeypatch.setenv("TORCH_INDEX", "https://packages.example/torch")
    assert torch_index(settings) == "https://packages.example/torch"


# -- slim.py and finish.py -------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with a shell, a library, a link out of it and dpkg's record."""
    files = {
        "usr/bin/bash": "shell",
        "usr/bin/shared": "both have it",
        "usr/lib/libc.so": "library",
        "usr/local/bin/pip3": "installer",
        "usr/local/lib/python3.11/json.py": "value = 1",
        "usr/local/lib/python3.11/test/big.py": "value = 2",
        "usr/local/lib/python3.11/site-packages/pip/__init__.py": "",
        "var/lib/dpkg/status": STATUS,
        "var/lib/dpkg/info/bash.list": "/.\n/bin\n/bin/bash\n/usr/bin/shared\n/out/kept\n",
        "var/lib/dpkg/info/bash.md5sums": "",
        "var/lib/dpkg/info/libc6:amd64.list": "/usr/bin/shared\n/usr/lib/libc.so\n",
    }
    root = tmp_path / "root"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("not ours")
    (root / "bin").symlink_to("usr/bin")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "usr/lib/libc.so").chmod(0o6755)
    return root


def test_a_package_goes_whole_and_what_another_one_needs_stays(root: Path) -> None:
    remove_packages(root, frozenset({"bash", "absent"}))
    assert not (root / "usr/bin/bash").exists()
    assert (root / "usr/bin/shared").exists()
    assert (root / "usr/lib/libc.so").exists()
    assert not list((root / "var/lib/dpkg/info").glob("bash.*"))
    record = (root / "var/lib/dpkg/status").read_text()
    assert "Package: bash" not in record
    assert "Package: libc6" in record


def test_a_link_does_not_lead_out_of_the_root(root: Path) -> None:
    remove_packages(root, frozenset({"bash"}))
    assert (root.parent / "outside" / "kept").read_text() == "not ours"


def test_installers_and_foreign_rights_go_and_bytecode_comes(root: Path) -> None:
    main(root)
    library = root / "usr/local/lib/python3.11"
    assert not (root / "usr/local/bin/pip3").exists()
    assert not (library / "site-packages").exists()
    assert not (library / "test").exists()
    assert (root / "usr/lib/libc.so").stat().st_mode & 0o7777 == 0o755
    tag = sys.implementation.cache_tag
    bytecode = (library / "__pycache__" / f"json.{tag}.pyc").read_bytes()
    assert bytecode[4:8] == b"\x01\0\0\0"  # PEP 552: by hash, unchecked
    assert str(root).encode() not in bytecode


def test_what_a_running_python_needs_is_no_tool() -> None:
    assert not {"libc6", "libstdc++6", "libssl3", "python3.11-minimal", "tzdata"} & TOOLS
    assert {"bash", "dash", "apt", "dpkg", "perl-base", "coreutils"} <= TOOLS


def test_packages_leave_their_own_tests_behind(tmp_path: Path) -> None:
    packages = tmp_path / "lib/python3.11/site-packages"
    for name in ("one/tests/test_it.py", "one/testing/it.py", "one/broken.py", "one/it.py"):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text("def (" if "broken" in name else "value = 1")
    finish(str(tmp_path))
    assert not (packages / "one/tests").exists()
    assert (packages / "one/testing/__pycache__").is_dir()
    assert len(list((packages / "one/__pycache__").glob("it.*.pyc"))) == 1


# -- sbom.py and prepare-host.sh -------------------------------------------------------------------


def test_debian_packages_that_are_installed_are_listed() -> None:
    found = {part["name"]: part for part in debian_components(STATUS)}
    assert set(found) == {"bash", "libc6"}
    assert found["bash"]["purl"] == "pkg:deb/debian/bash@5.2-1%2Bb1?arch=amd64"


@pytest.mark.skipif(not Path("/usr/bin/env").exists(), reason="no Unix")
def test_a_machine_that_cannot_build_images_is_told_so_and_why(tmp_path: Path) -> None:
    """A user who is not root, played by an `id` that says so."""
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    ran = subprocess.run(
        [SCRIPTS / "prepare-host.sh"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 77
    assert "needs root" in ran.stdout
