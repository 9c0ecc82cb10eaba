"""What a retraining would do, decided once and kept: champion, recipe, feedback up to a moment."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from model_store import Store
from model_store.errors import BadSignature, Unsigned
from model_store.manifest import Manifest
from training.outcome import digest
from training.recipe import Recipe, from_dict
from training.retrain.feedback import Feedback, check_task
from training.retrain.job import PLAN, Job, Record, key_of
from training.retrain.recipes import base_recipe, plain, vectors_from
from training.retrain.request import Request


@dataclass(frozen=True, slots=True)
class Found:
    """The champion, the recipe without feedback, and the judgements that there are.

    until: just behind the newest judgement, None where there is none. new: those that no attempt of
    this champion's successors has seen.
    """

    champion: Manifest
    recipe: Recipe
    judgements: int
    new: int
    until: datetime | None
    counts: Mapping[str, int]


def look(request: Request, store: Store, base: Feedback) -> Found:
    """Raises NotFound where there is no champion, and DataError, RecipeError."""
    number = store.resolve(request.name).number
    champion = store.manifest(request.name, number)
    check_task(str(champion.raw.get("task")))
    recipe = base_recipe(
        champion.raw, name=request.name, recipe=request.recipe, overrides=request.overrides
    )
    seen = _seen_until(store, champion, recipe)
    received = [one.received for one in base.accepted(request.name, since=request.since)]
    return Found(
        champion=champion,
        recipe=recipe,
        judgements=len(received),
        new=sum(1 for moment in received if seen is None or moment >= seen),
        until=max(received) + timedelta(microseconds=1) if received else None,
        counts=dict(base.counts(request.name)),
    )


def plan_of(request: Request, found: Found, store: Store) -> Record:
    """The plan as it is kept; `key` names its job."""
    until = found.until.isoformat() if found.until else None
    facts = {**question(request, found), "until": until}
    return {
        "name": request.name,
        "store": store.url,
        "key": key_of(facts),
        **facts,
        "champion": {"version": found.champion.version, "digest": found.champion.digest},
        "recipe": plain(found.recipe),
        "vectors": vectors_from(found.recipe),
        "judgements": found.judgements,
        "new": found.new,
        "counts": dict(found.counts),
    }


def question(request: Request, found: Found) -> dict[str, Any]:
    """What a job depends on, but for how far its feedback reaches."""
    return {
        "champion_digest": found.champion.digest,
        "recipe_digest": digest(found.recipe),
        "since": request.since.isoformat() if request.since else None,
        "holdout": request.holdout,
        "repeat": request.repeat,
        "policy": asdict(request.policy),
    }


def unfinished(request: Request, found: Found) -> Job | None:
    """A job that asked the same question and was killed: it goes on with the feedback it had; also
    where it was killed right behind its promotion, and the champion is its own challenger by now.
    """
    asked = question(request, found)
    made_by = found.champion.raw.get("retrain", {}).get("job")
    for job in Job.all_of(request.runs, request.name):
        plan = job.record(PLAN) or {}
        own = {"champion_digest": plan.get("champion_digest")} if plan["key"] == made_by else {}
        if not job.over and {key: plan.get(key) for key in asked} == {**asked, **own}:
            return job
    return None


def recipe_of(plan: Record) -> Recipe:
    return from_dict(plan["recipe"])


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _seen_until(store: Store, champion: Manifest, recipe: Recipe) -> datetime | None:
    """How far the feedback reached that made the champion, or that an attempt by the same recipe
    to replace it was given; such an attempt was published whether it passed or not.
    """
    known = [_cut_off(champion)]
    for number in store.versions(champion.name):
        if number <= champion.version:
            continue
        with suppress(Unsigned, BadSignature):  # nobody vouches for it: it counts for nothing
            attempt = store.manifest(champion.name, number)
            made = attempt.raw.get("retrain", {})
            if attempt.parent == champion.version and made.get("recipe_digest") == digest(recipe):
                known.append(_cut_off(attempt))
    return max((one for one in known if one is not None), default=None)


def _cut_off(manifest: Manifest) -> datetime | None:
    return moment(manifest.raw.get("retrain", {}).get("until"))
