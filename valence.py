"""The command line: one Typer app that mounts each package's commands.

The modules mounted here import nothing heavy: torch, the HTTP stack and the store's client are
loaded by the command that needs them.
"""

import typer

from model_store.commands import app as models
from model_store.feedback.commands import app as feedback
from model_store.moves import rollback
from service.commands import serve
from training.ablate_commands import ablate
from training.choices import help_text
from training.commands import audit, evaluate, train, vectors
from training.data_commands import app as data
from training.drift_commands import drift
from training.retrain.commands import EPILOG, retrain
from training.set_commands import train_all

app = typer.Typer(
    name="valence",
    help="Valence: self-hosted sentiment and tagging. Train, publish, promote, serve.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold users' texts
)
app.command()(serve)
app.command()(rollback)
app.add_typer(models, name="models")
app.add_typer(feedback, name="feedback")
app.add_typer(data, name="data")
app.command(epilog=help_text())(train)
app.command()(train_all)
app.command()(ablate)
app.command(epilog=EPILOG)(retrain)
app.command()(evaluate)
app.command()(drift)
app.command()(vectors)
app.command()(audit)


def main() -> None:
    """The console script `valence`."""
    app()


if __name__ == "__main__":
    main()
