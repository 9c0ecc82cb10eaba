"""`valence train | evaluate | audit | vectors`.

Exit status: 0 done, 1 refused or failed (one line on stderr says why), 2 wrong usage.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from model_store.errors import StoreError
from model_store.location import default_store_url
from model_store.options import StoreUrl, default_actor
from training.errors import TrainingError
from training.headline import headline
from training.search_commands import check_search, chosen_run

if TYPE_CHECKING:
    from rich.console import Console

    from training.evaluation import Evaluation
    from training.recipe import Recipe
    from training.reference import Scorer
    from training.run_folder import RunFolder

VECTORS = "vectors"
"""What `valence train` takes in place of a recipe to train word vectors."""

Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Lay a dotted key over the recipe; repeatable."
    ),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
RecipeName = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A shipped recipe's name, or a TOML file.")
]


def train(
    recipe: RecipeName,
    *,
    overrides: Set = None,
    store: StoreUrl,
    device: Device = "auto",
    runs: Annotated[Path, typer.Option(help="Where run folders are made.")] = Path("runs"),
    resume: Annotated[
        Path | None, typer.Option(help="A run folder to go on with; RECIPE must be its model.")
    ] = None,
    run_folder: Annotated[
        Path | None,
        typer.Option(
            "--run-folder", help="The run folder itself: begun, or gone on with where it was begun."
        ),
    ] = None,
    publish: Annotated[bool, typer.Option(help="Publish the version when it is done.")] = True,
    promote: Annotated[bool, typer.Option("--promote", help="Make it the champion, too.")] = False,
    search: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Make N trials in the recipe's [search] space; keep the best."
        ),
    ] = None,
    language_model: Annotated[
        str,
        typer.Option(
            metavar="auto|none|NAME[@NUMBER]",
            help="Scores some of dev, to tell drift by perplexity. auto: the store's champion.",
        ),
    ] = "auto",
) -> None:
    """Train a recipe, score it, and publish the version. Nothing serves it until it is promoted.

    `valence train vectors` trains skip-gram word vectors on unlabelled reviews instead, which
    recipes may start from (--set dimensions=300, output, epochs, min_count, workers, sources).
    """
    from training.ranks import is_leader
    from training.scorers import scorer_for

    with refusals():
        if recipe == VECTORS:
            _train_vectors(overrides or [])
            return
        loaded = _recipe(recipe, overrides or [], resume=resume)
        check_search(loaded, search)
        if resume is not None and run_folder is not None:
            raise typer.BadParameter(
                "--resume names a run, and so does --run-folder; give one of them"
            )
        kept_at = run_folder or resume
        run = _run_folder(loaded, at=kept_at, runs=runs, device=checked(device))
        if not is_leader():
            _assist(loaded, run, device=device)
            return
        typer.echo(f"run folder: {run.path}")
        scorer = scorer_for(loaded, store, language_model)
        kept, laid = chosen_run(loaded, run, trials=search, device=device)
        typer.echo(headline(train_with_bar(laid, kept, device=device, scorer=scorer)))
        if search is not None:
            _account(loaded, run, kept)
        if publish:
            resumed = kept_at is not None
            _publish(loaded.name, kept.version, store, promote=promote, resumed=resumed)


def evaluate(
    reference: Annotated[
        str, typer.Argument(metavar="NAME[@NUMBER|@ALIAS]", help="Without @, the champion.")
    ],
    *,
    data: Annotated[
        str,
        typer.Option(help='A file, "dataset:split", or dev or test of the version\'s own recipe.'),
    ] = "test",
    store: StoreUrl,
    runtime: Annotated[str, typer.Option(help="onnx or torch.")] = "onnx",
    as_json: Annotated[bool, typer.Option("--json", help="All scores as JSON.")] = False,
) -> None:
    """Score a stored version through the serving runtime, beside what its manifest says."""
    from training.stored import evaluate_stored, same_figures

    with refusals():
        found, promised = evaluate_stored(store, reference, data=data, runtime=runtime)
        typer.echo(json.dumps(found.to_dict(), indent=1) if as_json else headline(found))
        if promised is None:
            return
        same = same_figures(promised, found.to_dict())
        verdict = "the same figures as" if same else "OTHER figures than"
        typer.echo(f"{verdict} the manifest's", err=as_json)
        if not same:
            raise typer.Exit(1)


def audit(recipe: RecipeName, *, overrides: Set = None) -> None:
    """Duplicates and label conflicts within a recipe's splits, and leaks across them."""
    from training.audit import audit as audit_splits
    from training.audit import check
    from training.recipe_files import load_recipe
    from training.splits import read_all

    with refusals():
        loaded = load_recipe(recipe, overrides or [])
        report = audit_splits(read_all(loaded))
        for finding in report.findings:
            typer.echo(str(finding))
        check(report, loaded.audit)


def vectors(
    output: Annotated[Path, typer.Argument(help="The file to write, in word2vec's text form.")],
    *,
    source: Annotated[
        list[str], typer.Option("--source", help='"dataset:split" or a file; repeatable.')
    ],
    dimensions: Annotated[int, typer.Option(min=2, help="Numbers a vector.")] = 100,
    epochs: Annotated[int, typer.Option(min=1)] = 4,
    min_count: Annotated[int, typer.Option(min=1, help="Rarer words get no vector.")] = 5,
    workers: Annotated[int, typer.Option(min=1, help="One gives the same file every time.")] = 1,
    seed: int = 13,
) -> None:
    """Train skip-gram word vectors on unlabelled text (Mikolov et al. 2013)."""
    from training.skipgram import SkipGram, train_vectors

    with refusals():
        policy = SkipGram(
            dimensions, epochs=epochs, min_count=min_count, workers=workers, seed=seed
        )
        words, tokens = train_vectors(source, output, policy)
        typer.echo(f"{output}: {words:,} words from {tokens:,} tokens")


@contextmanager
def refusals() -> Iterator[None]:
    """What is wrong with a request is one line, not a traceback."""
    from nlp.errors import NlpError

    try:
        yield
    except (TrainingError, StoreError, NlpError, OSError) as error:
        typer.echo(f"valence: {error}", err=True)
        raise typer.Exit(1) from None


def _train_vectors(overrides: list[str]) -> None:
    from training.review_vectors import train_review_vectors

    path, words, tokens = train_review_vectors(overrides)
    typer.echo(f"{path}: {words:,} words from {tokens:,} tokens")


def checked(device: str) -> str:
    if device not in ("auto", "cpu", "cuda"):
        raise typer.BadParameter("--device must be auto, cpu or cuda")
    return device


def _recipe(name: str, overrides: list[str], *, resume: Path | None) -> Recipe:
    """The recipe as given, or as the run that is gone on with keeps it."""
    from training.errors import RecipeError
    from training.recipe_files import load_recipe
    from training.run_folder import RunFolder

    loaded = load_recipe(name, overrides)
    if resume is None:
        return loaded
    if overrides:
        raise RecipeError("a resumed run keeps its own recipe: leave out --set")
    kept = RunFolder.open(resume).recipe()
    if kept.name != loaded.name:
        raise RecipeError(f"{resume} is a run of {kept.name}, not of {loaded.name}")
    return kept


def _run_folder(recipe: Recipe, *, at: Path | None, runs: Path, device: str) -> RunFolder:
    """The leader's, which every process works in."""
    from training.ranks import is_leader, leaders_path
    from training.run_folder import RunFolder

    path = None
    if is_leader():
        run = RunFolder.create(recipe, runs) if at is None else RunFolder.at(at, recipe)
        path = run.path
    return RunFolder.open(leaders_path(path, device=device))


def train_with_bar(
    recipe: Recipe,
    run: RunFolder,
    *,
    device: str,
    console: Console | None = None,
    scorer: Scorer | None = None,
) -> Evaluation:
    """One training with its bar and stages on stderr."""
    from rich.console import Console

    from training.progress import TrainingBar
    from training.run import run_recipe

    console = console or Console(stderr=True)
    with TrainingBar(console, metric=recipe.training.metric) as bar:
        result = run_recipe(
            recipe, run, device=device, record=bar.record, say=console.print, scorer=scorer
        )
    return result.evaluation


def _assist(recipe: Recipe, run: RunFolder, *, device: str) -> None:
    from training.run import assist

    assist(recipe, run, device=device)


def _account(recipe: Recipe, run: RunFolder, kept: RunFolder) -> None:
    """Say which trial was kept, and put the search into its manifest."""
    from training.search import write_account

    write_account(recipe, run, kept.version)
    typer.echo(f"the best trial: {kept.path}")


def _publish(name: str, folder: Path, url: str, *, promote: bool, resumed: bool) -> None:
    """A run that was killed after this, and is gone on with, is not published twice."""
    from model_store import open_store
    from model_store.starter import seed
    from training.stored import find_published

    store = open_store(url)
    if url == default_store_url():
        seed(store)  # as `valence serve` does: the starters come first, to roll back to
    number = find_published(store, name, folder) if resumed else None
    if number is None:
        number = store.publish(name, folder).number
        typer.echo(f"published {name}@{number}")
    else:
        typer.echo(f"this run is {name}@{number} already")
    if promote:
        store.promote(name, number, actor=default_actor(), reason="valence train --promote")
        typer.echo(f"promoted: {name}@champion is {name}@{number}")
    else:
        typer.echo(f"to serve it: valence models promote {name}@{number}")
