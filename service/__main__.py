"""`python -m service` is `valence serve`."""

from service.commands import app

app()
