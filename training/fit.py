"""Materials and splits to a trained network: the loop, driven and recorded."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch.utils.tensorboard import SummaryWriter
from transformers import TrainerCallback

from nlp.model import Model
from nlp.networks.base import Network
from nlp.runtimes.torch import TorchRuntime
from nlp.tasks.base import Example
from training.checkpoint import best_weights, has_state, last_checkpoint, trainer_state
from training.errors import DataError, RunError
from training.items import Item, collator
from training.learner import Learner
from training.loop import Loop, is_over
from training.materials import Materials
from training.ranks import is_leader, leaders_path, processes
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.splits import Splits
from training.tasks.table import trainable

Record = Callable[[Mapping[str, float]], None]
"""Told of each logged row: step, epoch, loss, or dev scores."""

_BATCH: Final = 64


def fit(
    recipe: Recipe,
    materials: Materials,
    splits: Splits,
    run: RunFolder,
    *,
    device: str = "auto",
    record: Record | None = None,
) -> Network:
    """The network with the weights that scored best on dev.

    A run whose folder holds a whole checkpoint goes on from there, and ends in the same weights as
    one that was never stopped; a run that had ended gives its weights at once. Raises RunError for
    a device that is not there. In a torchrun only the leader's network and files are of use.
    """
    network = materials.network
    begin = leaders_path(beginning(run) if is_leader() else None, device=device)
    if begin.name == run.trained.name:
        network.load_state_dict(load_file(run.trained))
        return network
    learner = _learner(recipe, materials)
    loop = _loop(recipe, materials, splits, run, learner=learner, device=device, record=record)
    _quiet(loop)
    checkpoint = None if begin.name == run.checkpoints.name else begin
    _go_on(loop, run, checkpoint, recipe.training.patience)
    network.cpu().eval()
    if loop.is_world_process_zero():
        best = last_checkpoint(run.checkpoints)
        if best is None:
            raise RunError(f"{run.path} holds no checkpoint after training")
        learner.load_state_dict(best_weights(best))
        write_weights({k: v.contiguous() for k, v in network.state_dict().items()}, run.trained)
    return network


def beginning(run: RunFolder) -> Path:
    """Where to begin, which all processes must agree on: the trained weights, the last whole
    checkpoint, or the empty folder of checkpoints.

    Raises RunError where more processes made the checkpoint than are to go on from it.
    """
    if run.trained.is_file():
        return run.trained
    last = last_checkpoint(run.checkpoints, processes=processes())
    if last is not None and has_state(last / f"random_{processes()}"):
        raise RunError(f"{run.path} was trained by more processes; go on with as many")
    return last or run.checkpoints


def _go_on(loop: Loop, run: RunFolder, checkpoint: Path | None, patience: int) -> None:
    """Train from the checkpoint on, if the run is not over there."""
    state = None if checkpoint is None else trainer_state(checkpoint)
    if state is not None and is_over(state, patience):
        return
    if loop.is_world_process_zero():
        run.forget_after(0 if state is None else state.global_step)
    loop.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))


def _learner(recipe: Recipe, materials: Materials) -> Learner:
    policy = recipe.training
    return Learner(
        materials.network,
        word_dropout=policy.word_dropout,
        label_smoothing=policy.label_smoothing,
    )


def _loop(
    recipe: Recipe,
    materials: Materials,
    splits: Splits,
    run: RunFolder,
    *,
    learner: Learner,
    device: str,
    record: Record | None,
) -> Loop:
    task, trained = materials.task, trainable(recipe.task)
    if device == "cuda" and not torch.cuda.is_available():
        raise RunError("there is no CUDA device here; --device auto or cpu trains on the CPU")
    dev_items = trained.items(splits.dev, task, strict=False)
    if not dev_items:
        raise DataError("every dev example has a label that training lacks")
    loop = Loop(
        learner,
        trained.items(splits.train, task, strict=True),
        recipe=recipe,
        collate=collator(task),
        score=lambda: _dev_score(learner, materials, splits.dev, dev_items, str(loop.args.device)),
        folder=run.checkpoints,
        callbacks=[_Recorder(run, record)],
        use_cpu=device == "cpu" or not torch.cuda.is_available(),
    )
    return loop


def torch_model(materials: Materials, device: str = "cpu") -> Model:
    """The network as it stands, behind the same task that will serve."""
    runtime = TorchRuntime(materials.network, device=device)
    return Model(materials.spec.to_manifest(), materials.task, runtime)


def _dev_score(
    learner: Learner,
    materials: Materials,
    dev: Sequence[Example],
    items: Sequence[Item],
    device: str,
) -> dict[str, float]:
    """The task's figures, by the serving path, and the loss."""
    found = trainable(materials.spec.task).dev_score(torch_model(materials, device), dev)
    return {**found, "loss": _mean_loss(learner, items, materials, device)}


@torch.inference_mode()
def _mean_loss(learner: Learner, items: Sequence[Item], materials: Materials, device: str) -> float:
    """Mean over the items of their batches' losses."""
    collate = collator(materials.task)
    ordered = sorted(items, key=lambda item: item.window.length)
    total = 0.0
    for start in range(0, len(ordered), _BATCH):
        batch = ordered[start : start + _BATCH]
        tensors = {name: tensor.to(device) for name, tensor in collate(batch).items()}
        total += len(batch) * float(learner(**tensors)["loss"])
    return total / len(ordered)


class _Recorder(TrainerCallback):
    """Every logged row to metrics.jsonl, to TensorBoard, and to whoever shows progress."""

    def __init__(self, run: RunFolder, record: Record | None) -> None:
        self._run = run
        self._record = record
        self._board: SummaryWriter | None = None

    def on_log(self, args: Any, state: Any, control: Any, **given: Any) -> None:  # noqa: ANN401, ARG002
        if not state.is_world_process_zero:
            return
        row = {"step": state.global_step, "epoch": state.epoch or 0.0, "steps": state.max_steps}
        row |= {_plain(name): value for name, value in given["logs"].items() if name != "epoch"}
        self._run.add_metrics(row)
        self._to_board(row)
        if self._record is not None:
            self._record(row)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        if self._board is not None:
            self._board.close()

    def _to_board(self, row: Mapping[str, float]) -> None:
        step = int(row["step"])
        # Later steps of a run that was killed are purged: this one takes them again.
        self._board = self._board or SummaryWriter(str(self._run.board), purge_step=step)
        for name, value in row.items():
            if name not in ("step", "steps"):
                self._board.add_scalar(name, value, step)


def _plain(name: str) -> str:
    return f"dev_{name.removeprefix('eval_')}" if name.startswith("eval_") else name


def _quiet(loop: Loop) -> None:
    """The caller shows progress: the Trainer's own log lines would break its bar."""
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    loop.args.log_level = "error"


def write_weights(weights: dict[str, torch.Tensor], path: Path) -> None:
    """All or nothing: the file's presence says that training had ended."""
    beside = path.with_suffix(".partial")
    save_file(weights, beside)
    beside.replace(path)
