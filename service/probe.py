"""`python -m service.probe [PATH]`: whether a service on this machine answers 200 there.

For the health check of an image that has no shell and no curl: standard library only, and nothing
of the service is imported. PATH is /readyz unless given; the port is VALENCE_PORT's, else 8000.
Exit status: 0 it does, 1 it does not (one line on stderr says why), 2 wrong usage.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

HOST = "127.0.0.1"
PORT = 8000
PATH = "/readyz"
SECONDS = 4.0


def probe(port: int, path: str, *, host: str = HOST, seconds: float = SECONDS) -> str:
    """Nothing where the answer is 200, else what is wrong."""
    connection = HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"{host}:{port} does not answer: {error or type(error).__name__}"
    finally:
        connection.close()
    return "" if status == 200 else f"{path} answers {status}"


def main(arguments: list[str]) -> int:
    """The exit status."""
    if len(arguments) > 1 or not "".join(arguments or [PATH]).startswith("/"):
        print("usage: python -m service.probe [PATH]", file=sys.stderr)
        return 2
    fault = probe(int(os.environ.get("VALENCE_PORT") or PORT), *(arguments or [PATH]))
    if fault:
        print(f"probe: {fault}", file=sys.stderr)
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
