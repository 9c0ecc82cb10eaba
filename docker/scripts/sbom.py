"""Write a CycloneDX document of a virtual environment and of the Debian packages under it.

    python sbom.py ENVIRONMENT STATUS FILE

cyclonedx-py reads the environment; Debian's packages are added from STATUS, dpkg's own record, so
that a scanner of the file sees what a scanner of the image would.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote


def main(environment: str, status: str, output: str) -> None:
    """Both parts, in one file."""
    python = str(Path(environment) / "bin" / "python3")
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"]
    made = subprocess.run([*command, python], check=True, capture_output=True)
    document = json.loads(made.stdout)
    document["components"] += debian_components(Path(status).read_text(encoding="utf-8"))
    Path(output).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def debian_components(status: str) -> Iterator[dict[str, Any]]:
    """One component an installed package of dpkg's status file."""
    for paragraph in status.split("\n\n"):
        fields = dict(
            line.split(": ", 1)
            for line in paragraph.splitlines()
            if ": " in line and line[0] != " "
        )
        if fields.get("Status", "").endswith(" installed"):
            yield _component(fields["Package"], fields["Version"], fields["Architecture"])


def _component(name: str, version: str, architecture: str) -> dict[str, Any]:
    purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


if __name__ == "__main__":
    main(*sys.argv[1:])
