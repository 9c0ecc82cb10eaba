"""A working week in some minutes: `python -m benchmarks.story` (or `make story`).

The starter model answers, its traffic drifts, people correct it, it is trained again; a worse
version is refused, a better one is promoted under load, and rolled back. Everything runs for real:
`valence serve`, a Prometheus that scrapes it, and the commands that an operator would type.
"""
