"""`valence retrain`: learn from what people said of the champion's answers, promote what is better.

Exit status: 0 promoted, passed, or nothing to do (which of them, the last line of --json says);
1 failed; 2 wrong usage; 3 the gate refused the challenger; 5 another retraining of this model runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from model_store.options import StoreUrl, Trusted, default_actor
from training.commands import Device, Set, checked

if TYPE_CHECKING:
    from rich.console import Console

    from model_store import Store, Version
    from training.recipe import Recipe
    from training.reference import Scorer
    from training.retrain.publishing import Sign
    from training.retrain.request import Request, Result
    from training.retrain.run import Tools
    from training.run_folder import RunFolder

EPILOG = (
    "Exit status: 0 promoted, passed, or nothing to do; 1 failed; 2 wrong usage; 3 the gate "
    "refused the challenger; 5 another retraining of this model runs."
)


def retrain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model whose champion is asked.")],
    *,
    store: StoreUrl,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Leave out earlier judgements (UTC)."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Plan, collect and audit; say what would happen.")
    ] = False,
    promote: Annotated[
        str, typer.Option(help="auto: a challenger that passes becomes the champion; never.")
    ] = "auto",
    feedback: Annotated[
        str | None,
        typer.Option(
            envvar="VALENCE_FEEDBACK",
            help="The feedback database, sqlite:///file or postgresql+psycopg://…",
            show_default="a file beside the user's own store",
        ),
    ] = None,
    runs: Annotated[Path, typer.Option(help="Where job folders are kept.")] = Path("runs"),
    recipe: Annotated[
        str | None, typer.Option(help="In place of the champion's own: a name, or a TOML file.")
    ] = None,
    overrides: Set = None,
    gate: Annotated[
        Path | None, typer.Option(help="A gate policy (TOML) over the defaults.")
    ] = None,
    holdout: Annotated[
        float,
        typer.Option(
            min=0, max=0.9, help="Share of the texts that is never trained on; do not lower it."
        ),
    ] = 0.2,
    repeat: Annotated[
        int, typer.Option(min=1, help="How often each judgement stands in the training data.")
    ] = 1,
    minimum: Annotated[
        int, typer.Option(min=0, help="Fewer new judgements than this: nothing to do.")
    ] = 50,
    sign_key: Annotated[
        Path | None,
        typer.Option(
            help="A private key (PEM) that signs the version; VALENCE_KEY_PASSPHRASE as elsewhere."
        ),
    ] = None,
    trusted: Trusted = "",
    device: Device = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="One line of JSON, at the end; the rest goes to stderr.")
    ] = False,
) -> None:
    """Retrain a model on its own data and on feedback, and promote it if it is shown to be better.

    plan, collect, audit, train, evaluate, gate, publish, promote: each step leaves a JSON file in
    the job's folder. Call it again after a kill and it goes on; nothing is done twice. A refused
    challenger is published too, with the verdict in its manifest, and serves nobody.
    """
    from rich.console import Console

    if promote not in ("auto", "never"):
        raise typer.BadParameter("--promote must be auto or never")
    if trusted and sign_key is None and promote == "auto":
        raise typer.BadParameter("--trusted promotes signed versions only: give --sign-key too")
    checked(device)
    console = Console(stderr=as_json)

    def asked() -> Request:
        from training.retrain.policy import load_policy
        from training.retrain.request import Request

        return Request(
            name,
            runs=runs,
            since=None if since is None else since.replace(tzinfo=since.tzinfo or UTC),
            recipe=recipe,
            overrides=tuple(overrides or ()),
            policy=load_policy(gate),
            holdout=holdout,
            repeat=repeat,
            least=minimum,
            promote=promote == "auto",
            device=device,
        )

    sources = {"store": store, "feedback": feedback, "trusted": trusted, "sign_key": sign_key}
    result = _attempt(asked, sources, console, dry_run=dry_run)
    typer.echo(result.line, err=as_json or result.code == 1)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False))
    raise typer.Exit(result.code)


def _attempt(asked: Any, sources: dict[str, Any], console: Console, *, dry_run: bool) -> Result:  # noqa: ANN401
    """How it ended, whatever happened."""
    from model_store.errors import LeaseHeld, LeaseLost, StoreError
    from nlp.errors import NlpError
    from training.errors import TrainingError
    from training.ranks import check_alone
    from training.retrain.request import Result
    from training.retrain.run import dry_run as look
    from training.retrain.run import retrain as do

    try:
        check_alone("valence retrain")
        request: Request = asked()
        opened = _opened(sources["store"], sources["trusted"])
        with _feedback(sources["feedback"]) as base:
            tools = _tools(opened, base, console, request.device, key=sources["sign_key"])
            return (look if dry_run else do)(request, tools)
    except (LeaseHeld, LeaseLost) as error:
        return Result("busy", str(error))
    except (TrainingError, StoreError, NlpError, OSError) as error:
        return Result("failed", str(error))


def _opened(url: str, trusted: str) -> Store:
    from model_store import open_store
    from model_store.keys import Keys
    from model_store.location import default_store_url
    from model_store.starter import seed

    opened = open_store(url, trusted=Keys.of(trusted) if trusted else None)
    if url == default_store_url():
        seed(opened)  # as `valence serve` does
    return opened


def _feedback(url: str | None) -> Any:  # noqa: ANN401 - the base's module loads a database library
    from model_store.feedback import default_feedback_url, open_feedback

    return open_feedback(url or default_feedback_url())


def _tools(store: Store, base: Any, console: Console, device: str, *, key: Path | None) -> Tools:  # noqa: ANN401
    from training.retrain.picture import table
    from training.retrain.run import Tools
    from training.scorers import AUTO, NONE, scorer_for

    actor = default_actor()

    def train(recipe: Recipe, run: RunFolder, check: Callable[[], None]) -> None:
        scorer = scorer_for(recipe, store.url, AUTO if store.trusted is None else NONE)
        _train_with_bar(recipe, run, console, device=device, check=check, scorer=scorer)

    return Tools(
        store=store,
        feedback=base,
        train=train,
        actor=actor,
        sign=None if key is None else _signer(key, actor),
        say=lambda step: console.print(f"[bold]{step}[/bold]"),
        show=lambda verdict: console.print(table(verdict)),
    )


def _signer(path: Path, actor: str) -> Sign:
    from model_store.keys import SigningKey

    key = SigningKey.read(path)

    def sign(store: Store, version: Version) -> None:
        store.sign(version.name, version.number, key, signer=actor, digest=version.digest)

    return sign


def _train_with_bar(
    recipe: Recipe,
    run: RunFolder,
    console: Console,
    *,
    device: str,
    check: Callable[[], None],
    scorer: Scorer | None,
) -> None:
    """check: raises where the training must not go on."""
    from training.progress import TrainingBar
    from training.run import run_recipe

    with TrainingBar(console, metric=recipe.training.metric) as bar:

        def record(row: Mapping[str, float]) -> None:
            check()
            bar.record(row)

        run_recipe(recipe, run, device=device, record=record, say=console.print, scorer=scorer)
