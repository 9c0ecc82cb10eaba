"""A process of the race and crash tests: says it is ready, waits for the word, acts, reports.

Run as `python worker.py ACTION JSON`; the answer is one JSON line on stdout.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from model_store import open_store
from model_store.lease import LeaseHeld, take
from model_store.publish import publish_folder
from model_store.starter import seed


def publish_many(order: dict[str, Any]) -> list[dict[str, Any]]:
    """Publish `count` folders; all writers share the bytes of their one file."""
    store = open_store(order["url"])
    done = []
    for index in range(order["count"]):
        writer = f"{order['worker']}-{index}"
        folder = write_folder(Path(order["folder"]) / writer, writer)
        done.append({"writer": writer, "number": store.publish(order["name"], folder).number})
    return done


def write_folder(folder: Path, writer: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"task": "sentiment", "writer": writer}))
    (folder / "labels.txt").write_text("negative\npositive\n")
    return folder


def promote_many(order: dict[str, Any]) -> list[str]:
    """Promote `count` times, each time another of the versions."""
    store = open_store(order["url"])
    actors = [f"{order['worker']}-{index}" for index in range(order["count"])]
    for index, actor in enumerate(actors):
        version = order["versions"][(order["worker"] + index) % len(order["versions"])]
        store.promote(order["name"], version, actor=actor, reason="race")
    return actors


def publish_and_die(order: dict[str, Any]) -> None:
    """Publish one folder and kill this process once the step `order["step"]` is done."""

    def on_step(step: str) -> None:
        print(step, flush=True)
        if step == order["step"]:
            os.kill(os.getpid(), signal.SIGKILL)

    objects = open_store(order["url"]).objects
    publish_folder(objects, order["name"], Path(order["folder"]), on_step=on_step)


def materialise(order: dict[str, Any]) -> str:
    store = open_store(order["url"])
    return str(store.materialise(order["name"], order["number"], Path(order["cache"])))


def seed_store(order: dict[str, Any]) -> list[str]:
    versions = seed(open_store(order["url"]), folder=Path(order["starter"]))
    return [version.reference for version in versions]


def collect(order: dict[str, Any]) -> int:
    """Run gc again and again, with a grace that the publishers beside it stay within."""
    store = open_store(order["url"])
    reports = (
        store.gc(dry_run=False, grace_seconds=order["grace_seconds"], keep_last=1)
        for _ in range(order["count"])
    )
    return sum(len(report.blobs) for report in reports)


def take_lease(order: dict[str, Any]) -> str | None:
    """Take the lease and keep it: the holder that won, None where another one did."""
    objects = open_store(order["url"]).objects
    with suppress(LeaseHeld):
        lease = take(
            objects, order["name"], "retrain", holder=order["holder"], seconds=order["seconds"]
        )
        return lease.entry.holder
    return None


def take_lease_and_die(order: dict[str, Any]) -> None:
    take_lease(order)
    print("taken", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def work_in_turn(order: dict[str, Any]) -> int:
    """`count` times under the lease: make a file that must not be there, remove it again."""
    store = open_store(order["url"])
    alone, done = Path(order["file"]), 0
    while done < order["count"]:
        with suppress(LeaseHeld), store.lease("tags", "retrain", holder="racer", seconds=60):
            alone.touch(exist_ok=False)
            time.sleep(0.005)
            alone.unlink()
            done += 1
    return done


def judge(order: dict[str, Any]) -> list[str]:
    """Open the feedback and judge every prediction, one transaction each; the outcomes."""
    from model_store.feedback import Prediction, Submission, open_feedback

    base = open_feedback(order["url"])
    return [
        base.add(
            [
                Submission(
                    Prediction(one, "sentiment", 1, "sentiment", said, "negative", 0.7),
                    order["label"],
                )
            ]
        )[0].outcome
        for one, said in zip(order["ids"], order["texts"], strict=True)
    ]


ACTIONS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "publish": publish_many,
    "promote": promote_many,
    "die": publish_and_die,
    "materialise": materialise,
    "seed": seed_store,
    "collect": collect,
    "lease": take_lease,
    "lease and die": take_lease_and_die,
    "turns": work_in_turn,
    "judge": judge,
}


def main() -> None:
    action, order = ACTIONS[sys.argv[1]], json.loads(sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(action(order)), flush=True)


if __name__ == "__main__":
    main()
