"""The last steps: a version with the verdict in its manifest, and the aliases that name it.

Nothing here is done twice: a version is found again by its files, an alias's move by the job's key
in its log, also where the alias has moved on or back since.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from model_store import Store, Version
from model_store.manifest import STORE_KEYS
from model_store.names import DEFAULT_ALIAS
from nlp.manifest import read_manifest
from training.manifest import write_manifest
from training.retrain.job import Job, Record
from training.stored import find_published

CHALLENGER: Final = "challenger"

Sign = Callable[[Store, Version], None]
"""Vouches for a version; for one that it has signed already, does nothing."""


def publish_challenger(
    job: Job, plan: Record, store: Store, *, actor: str, sign: Sign | None
) -> Record:
    """Refused or not: the verdict is worth keeping where the versions are."""
    folder, verdict = job.training / "version", job.record("gate") or {}
    write_manifest(
        {**read_manifest(folder), "gate": verdict, "retrain": _account(job, plan)}, folder
    )
    bare = Store(
        store.objects
    )  # a version is signed once it is there, so it is looked for as it is
    version = _published(bare, plan["name"], folder)
    if version is None:
        version = bare.publish(plan["name"], folder, parent=plan["champion"]["version"])
    if sign is not None:
        sign(bare, version)
    reason = f"valence retrain: {verdict['sentence']}"
    _move(bare, plan, version.number, alias=CHALLENGER, actor=actor, reason=reason, report={})
    return {"version": version.number, "digest": version.digest}


def promote_challenger(
    job: Job, plan: Record, store: Store, number: int, *, actor: str, wanted: bool
) -> Record:
    """Only what passed, where it was asked for, and while the champion is still the one that it was
    compared with.
    """
    verdict = job.record("gate") or {}
    if not verdict["passed"]:
        return {"promoted": False, "why": verdict["sentence"]}
    if not wanted:
        return {"promoted": False, "why": "it was not asked for (--promote never)"}
    if _entry(store, plan, DEFAULT_ALIAS):
        return {"promoted": True, "why": "it was done before"}
    champion = _current(store, plan["name"])
    if champion is None or champion.number != plan["champion"]["version"]:
        now = "nothing" if champion is None else champion.reference
        return {"promoted": False, "why": f"the champion is {now} by now, not what it was held to"}
    reason = f"valence retrain: {verdict['sentence']}"
    _move(store, plan, number, alias=DEFAULT_ALIAS, actor=actor, reason=reason, report=verdict)
    return {"promoted": True, "why": verdict["sentence"]}


def _published(store: Store, name: str, folder: Path) -> Version | None:
    """This very version, by its files and by all that its manifest says; so nobody else's is signed
    in its place.
    """
    number = find_published(store, name, folder)
    if number is None:
        return None
    kept, draft = store.manifest(name, number), read_manifest(folder)
    same = all(kept.raw.get(key) == value for key, value in draft.items() if key not in STORE_KEYS)
    return Version(name, number, kept.digest) if same else None


def _account(job: Job, plan: Record) -> Record:
    """What a later retraining, and a reader of the manifest, must know of this one."""
    kept = ("since", "until", "holdout", "repeat", "recipe_digest", "recipe", "champion")
    steps = {step: job.record(step) or {} for step in ("collect", "audit", "train")}
    return {
        "job": plan["key"],
        **{key: plan[key] for key in kept},
        "feedback": steps["collect"],
        "used": {key: steps["audit"].get(key) for key in ("train", "held_out", "dropped")},
        "vectors": steps["train"].get("vectors", ""),
    }


def _move(
    store: Store,
    plan: Record,
    number: int,
    *,
    alias: str,
    actor: str,
    reason: str,
    report: dict[str, Any],
) -> None:
    if _entry(store, plan, alias):
        return
    store.promote(
        plan["name"],
        number,
        alias=alias,
        actor=actor,
        reason=reason[:1000],
        report={"job": plan["key"], **report},
    )


def _entry(store: Store, plan: Record, alias: str) -> bool:
    """Whether this job has moved the alias already."""
    entries = store.log(plan["name"], alias)
    return any((entry.report or {}).get("job") == plan["key"] for entry in entries)


def _current(store: Store, name: str) -> Version | None:
    return store.resolve(name) if DEFAULT_ALIAS in store.aliases(name) else None
