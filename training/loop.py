"""The loop: Hugging Face's Trainer, with our order of examples, dev score and checkpoints.

From the Trainer come gradient accumulation, mixed precision, schedules, torchrun and resuming. Ours
is the policy: what a batch is, what the dev score is (the one serving would give: the same task,
decoded the same way), when to stop, and checkpoints without pickle.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import Dataset
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from training.checkpoint import (
    WEIGHTS,
    has_state,
    load_state,
    random_states,
    save_state,
    set_random_states,
)
from training.items import GOLD, BucketSampler, Item
from training.learner import Learner
from training.recipe import LOWER_IS_BETTER, Recipe

Score = Callable[[], Mapping[str, float]]
"""Scores of the network as it stands on dev: at least the recipe's metric, and "loss"."""

_KEPT: Final = 2


class Items(Dataset[Item]):
    """A list of items, as a torch data set."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> Item:
        return self.items[place]


class Loop(Trainer):
    """The Trainer with the three changes named above."""

    def __init__(
        self,
        learner: Learner,
        items: Sequence[Item],
        *,
        recipe: Recipe,
        collate: Callable[[Sequence[Item]], dict[str, Tensor]],
        score: Score,
        folder: Path,
        callbacks: Sequence[TrainerCallback] = (),
        use_cpu: bool = False,
    ) -> None:
        policy = recipe.training
        self._sampler = BucketSampler(
            [item.window.length for item in items], batch_size=policy.batch_size, seed=recipe.seed
        )
        self._score = score
        super().__init__(
            model=learner,
            args=arguments(recipe, folder, use_cpu=use_cpu),
            train_dataset=Items(items),
            eval_dataset=Items(items[:1]),  # never read: see evaluate
            data_collator=collate,
            callbacks=[_Epochs(self._sampler, patience=policy.patience), *callbacks],
        )
        self.remove_callback(PrinterCallback)

    def _get_train_sampler(self, *_: object) -> BucketSampler:
        return self._sampler

    def evaluate(self, *_: object, **__: object) -> dict[str, float]:
        """The dev score, by the serving path."""
        cast(Learner, self.model).eval()
        metrics = {f"eval_{name}": value for name, value in self._score().items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    # Checkpoints: the names below are the Trainer's own hooks.

    def _save(self, output_dir: str | None = None, state_dict: object = None) -> None:  # noqa: ARG002
        folder = Path(output_dir or cast(str, self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        weights = self.accelerator.unwrap_model(self.model).state_dict()
        weights = {name: tensor.contiguous() for name, tensor in weights.items()}
        save_file(weights, folder / WEIGHTS)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if self.args.should_save:
            for name, part in self._stateful.items():
                save_state(part.state_dict(), Path(output_dir) / name)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            for name, part in self._stateful.items():
                part.load_state_dict(load_state(Path(checkpoint) / name))

    @property
    def _stateful(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer, "scheduler": self.lr_scheduler}

    def _save_scaler(self, output_dir: str) -> None:
        if self.accelerator.scaler is not None and self.args.should_save:
            save_state(self.accelerator.scaler.state_dict(), Path(output_dir) / "scaler")

    def _load_scaler(self, checkpoint: str | None) -> None:
        if checkpoint is None or self.accelerator.scaler is None:
            return
        if has_state(Path(checkpoint) / "scaler"):
            self.accelerator.scaler.load_state_dict(load_state(Path(checkpoint) / "scaler"))

    def _save_rng_state(self, output_dir: str) -> None:
        save_state(random_states(), Path(output_dir) / self._random_name)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None and has_state(Path(checkpoint) / self._random_name):
            set_random_states(load_state(Path(checkpoint) / self._random_name))

    @property
    def _random_name(self) -> str:
        return f"random_{self.args.process_index}"


class _Epochs(TrainerCallback):
    """What happens at the ends of an epoch.

    At its beginning the sampler learns its number, also where the Trainer's own message does not
    reach it. At its end the loss is logged, so that no mean runs across a checkpoint: a resumed run
    logs what the first would have. Once it is saved, patience may be at its end.
    """

    def __init__(self, sampler: BucketSampler, *, patience: int) -> None:
        self._sampler = sampler
        self._patience = patience

    def on_epoch_begin(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **_: object,
    ) -> None:
        self._sampler.set_epoch(int((state.epoch or 0.0) + 1e-6))

    def on_epoch_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,  # noqa: ARG002
        control: TrainerControl,
        **_: object,
    ) -> None:
        control.should_log = True

    def on_save(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,
        **_: object,
    ) -> None:
        if is_over(state, self._patience):
            control.should_training_stop = True


def is_over(state: TrainerState, patience: int) -> bool:
    """After the last step, or `patience` epochs without a better dev score.

    A pure function of what a checkpoint keeps (the Trainer's own early stopping forgets its count),
    so that a resumed run stops where the first would have.
    """
    epoch = state.max_steps / state.num_train_epochs
    without_gain = (state.global_step - (state.best_global_step or 0)) / epoch
    return state.global_step >= state.max_steps or without_gain >= patience


def arguments(recipe: Recipe, folder: Path, *, use_cpu: bool) -> TrainingArguments:
    """The recipe's policy in the Trainer's words."""
    policy = recipe.training
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=policy.epochs,
        per_device_train_batch_size=policy.batch_size,
        gradient_accumulation_steps=policy.gradient_accumulation,
        learning_rate=policy.learning_rate,
        weight_decay=policy.weight_decay,
        warmup_steps=policy.warmup_share,  # below one it is a share of all steps
        max_grad_norm=policy.max_gradient_norm,
        lr_scheduler_type=policy.schedule,
        optim={"adamw": "adamw_torch"}.get(policy.optimizer, policy.optimizer),
        bf16=policy.mixed_precision == "bf16",
        fp16=policy.mixed_precision == "fp16",
        use_cpu=use_cpu,
        ddp_find_unused_parameters=False,
        seed=recipe.seed,
        label_names=[GOLD],
        remove_unused_columns=False,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=_KEPT,
        metric_for_best_model=policy.metric,
        greater_is_better=policy.metric not in LOWER_IS_BETTER,
        logging_strategy="steps",
        logging_steps=20,
        report_to="none",
        disable_tqdm=True,
    )
