"""`valence serve`: one option a setting, made from the settings themselves.

Cheap to import: the server and everything behind it are loaded by the command.
"""

import inspect
from typing import Annotated, Any, get_args

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from service.settings import ENV_PREFIX, Settings


def serve(**options: str | None) -> None:
    """Answer over HTTP: POST /v1/sentiment, tags, aspects, analyze, score and generate.

    Every option is also an environment variable; an option wins over its variable.
    """
    given = {name: value for name, value in options.items() if value is not None}
    settings = _settings(given)
    from service import server
    from service.tracing import MissingExtraError

    try:
        server.serve(settings)
    except MissingExtraError as error:
        raise typer.BadParameter(str(error)) from None


def _settings(given: dict[str, str]) -> Settings:
    """Values as typed, checked by the settings class. Raises typer.BadParameter."""
    try:
        return Settings.model_validate(given)  # Typer has read the variables
    except ValidationError as error:
        faults = "; ".join(
            f"{ENV_PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}"
            for fault in error.errors()
        )
        raise typer.BadParameter(faults) from None


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        envvar=f"{ENV_PREFIX}{name.upper()}",
        help=field.description,
        show_default=_shown_default(field),
        metavar=_metavar(name, field),
    )
    annotation = Annotated[str | None, option]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _shown_default(field: FieldInfo) -> str:
    default: Any = field.get_default(call_default_factory=True, validated_data={})
    return "" if default is PydanticUndefined else str(default)


def _metavar(name: str, field: FieldInfo) -> str:
    choices = get_args(field.annotation)
    if choices and all(isinstance(choice, str) for choice in choices):
        return "|".join(choices)
    if field.annotation is bool:
        return "true|false"
    unit = name.rpartition("_")[2]
    return unit.upper() if unit in _UNITS else "TEXT" if field.annotation is str else "VALUE"


_UNITS = (
    "seconds",
    "ms",
    "days",
    "bytes",
    "tokens",
    "items",
    "characters",
    "texts",
    "folder",
    "port",
)

serve.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [_parameter(name, field) for name, field in Settings.model_fields.items()]
)
serve.__annotations__ = {
    name: parameter.annotation for name, parameter in inspect.signature(serve).parameters.items()
}

app = typer.Typer(add_completion=False)
app.command()(serve)
