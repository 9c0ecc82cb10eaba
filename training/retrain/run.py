"""A retraining from its plan to its end. Call it again after a kill, and it goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from model_store import Store
from training.retrain import publishing, steps
from training.retrain.feedback import Feedback
from training.retrain.gate import Verdict
from training.retrain.holder import holding
from training.retrain.job import PLAN, RESULT, Job, Record
from training.retrain.plan import Found, look, plan_of, unfinished
from training.retrain.request import Outcome, Request, Result

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Tools:
    """What a retraining works with. train: see `steps.Train`; sign: None leaves versions unsigned;
    say: told of each step as it begins; show: of the verdict.
    """

    store: Store
    feedback: Feedback
    train: steps.Train
    actor: str
    sign: publishing.Sign | None = None
    say: Say = lambda _: None
    show: Callable[[Verdict], None] = lambda _: None


def retrain(request: Request, tools: Tools) -> Result:
    """Raises LeaseHeld where another process retrains this model, and TrainingError, StoreError."""
    tools.store.resolve(request.name)  # a lease on what is not there would be odd
    with holding(tools.store, request.name) as keeper:
        found = look(request, tools.store, tools.feedback)
        job = unfinished(request, found)
        if job is None:
            plan = plan_of(request, found, tools.store)
            job = Job.at(request.runs, request.name, plan["key"])
            if not job.over and found.new < request.least:
                return _nothing(request, found)
            _forget_abandoned(request, plan)
            job.once(PLAN, lambda: plan)

        return _taken(request, job, tools, check=keeper.check)


def dry_run(request: Request, tools: Tools) -> Result:
    """Plan, collect and audit in a folder that is gone afterwards; nothing else is written."""
    found = look(request, tools.store, tools.feedback)
    if found.new < request.least and unfinished(request, found) is None:
        return _nothing(request, found)
    with TemporaryDirectory(prefix="valence-") as folder:
        plan, job = plan_of(request, found, tools.store), Job(Path(folder))
        labels = steps.labels_of(found.champion.raw)
        steps.collect_feedback(job, plan, tools.feedback, labels)
        audited = steps.audit_data(job, plan, labels)
    base = audited["base"]
    dropped = sum(audited["dropped"].values())
    return Result(
        "would retrain",
        f"{request.name}@{found.champion.version} would be retrained on {base['train']:,} base "
        f"examples and {audited['train']:,} judgements, and compared on {base['test']:,} base test "
        f"items and {audited['held_out']:,} held-out judgements; {dropped:,} leaks are dropped",
    )


def _taken(request: Request, job: Job, tools: Tools, *, check: steps.Check) -> Result:
    """The steps in their order; each is checked for the lease before it is taken."""
    plan = job.record(PLAN) or {}
    store, labels = tools.store, _labels(tools.store, plan)

    def once(step: str, take: Callable[[], Record]) -> Record:
        check()
        if job.record(step) is None:
            tools.say(step)
        return job.once(step, take)

    if job.over:
        return _ended(job)
    once("collect", lambda: steps.collect_feedback(job, plan, tools.feedback, labels))
    once("audit", lambda: steps.audit_data(job, plan, labels))
    once(
        "train",
        lambda: steps.train_challenger(job, plan, store, labels, train=tools.train, check=check),
    )
    measured = once("evaluate", lambda: steps.evaluate_both(job, plan, store, labels))
    gate = once("gate", lambda: steps.judge_challenger(job, plan, measured))
    tools.show(steps.verdict_of(gate))
    actor, sign = tools.actor, tools.sign
    published = once(
        "publish",
        lambda: publishing.publish_challenger(job, plan, store, actor=actor, sign=sign),
    )
    number = published["version"]
    promoted = once(
        "promote",
        lambda: publishing.promote_challenger(
            job, plan, store, number, actor=actor, wanted=request.promote
        ),
    )
    once(RESULT, lambda: _result(job, gate, number, promoted).to_dict())
    return _ended(job)


def _result(job: Job, gate: Record, number: int, promoted: Record) -> Result:
    outcome: Outcome = "refused"
    if gate["passed"]:
        outcome = "promoted" if promoted["promoted"] else "passed"
    said = gate["sentence"] if outcome != "passed" else f"{gate['sentence']}; {promoted['why']}"
    return Result(outcome, said, job.path.as_posix(), number)


def _ended(job: Job) -> Result:
    job.forget_texts()
    found = job.record(RESULT) or {}
    return Result(found["outcome"], found["sentence"], found["job"], found["version"])


def _nothing(request: Request, found: Found) -> Result:
    return Result(
        "nothing to do",
        f"{found.new:,} new judgements with a text since {request.name}@{found.champion.version} "
        f"was made or last challenged; a retraining needs {request.least:,}",
    )


def _labels(store: Store, plan: Record) -> tuple[str, ...]:
    return steps.labels_of(store.manifest(plan["name"], plan["champion"]["version"]).raw)


def _forget_abandoned(request: Request, plan: Record) -> None:
    """Jobs on this store that were killed, and that nobody will go on with, hold users' texts."""
    for other in Job.all_of(request.runs, request.name):
        theirs = other.record(PLAN) or {}
        if not other.over and theirs["store"] == plan["store"] and theirs["key"] != plan["key"]:
            other.delete()
