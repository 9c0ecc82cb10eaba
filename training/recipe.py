"""The recipe: everything a run depends on, read from TOML into frozen dataclasses.

A recipe is found by the name of a shipped one (`training/recipes/NAME.toml`) or by a path. Keys
given on the command line (`--set training.epochs=3`) are laid over the file before it is checked.
`to_dict` and `from_dict` turn a recipe into plain JSON values and back, without loss.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, cast

from training.build import Between, build, to_plain
from training.errors import RecipeError
from training.linear_recipe import Features
from training.space import Choice, Range, check_space

Share = Annotated[float, Between(least=0, most=1)]
ProperShare = Annotated[float, Between(least=0, most=0.99)]
Count = Annotated[int, Between(least=1)]
NotNegative = Annotated[float, Between(least=0)]
Positive = Annotated[float, Between(above=0)]
Seed = Annotated[int, Between(least=0, most=2**32 - 1)]
Size = int | float | str | bool | list[int]
Check = Literal["duplicates", "conflicts", "leaks"]
Format = Literal[
    "auto", "labelled", "csv", "tsv", "jsonl", "conllu", "text",
    "semeval", "mams", "three-line", "aste", "asqp", "acos", "aspects",
]  # fmt: skip
Optimizer = Literal[
    "adamw", "adamw_torch", "adamw_torch_fused", "adafactor", "adagrad", "rmsprop", "sgd"
]

TaskName = Literal["sentiment", "tagging", "aspects", "extraction", "language-model", "pairs"]
Metric = Literal["accuracy", "macro_f1", "span_f1", "pair_f1", "perplexity"]
LOWER_IS_BETTER: Final[frozenset[Metric]] = frozenset({"perplexity"})

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_NAMED_SPLIT: Final = re.compile(r"[a-z0-9_]+:[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Source:
    """A part of a split: the split of a named data set, or a file. A plain string means either.

    dataset: "name:split" of `training.catalogue`, such as "sst2:train".
    file: a path, taken from the working directory, or else from the shipped recipes; .xz is read
        as it stands.
    format: "auto" goes by the file's name; "labelled" is "<label> <text>", one a line; "text" is
        one text a line, for language models; "aspects" is JSON lines (`training.readers.
        aspect_json`); "semeval" to "acos" are the forms of those data sets.
    text, label: columns (CSV, TSV) or fields (JSON lines) by name; without a header line, by
        number, from 1.
    labels: raw label to the model's label; "" leaves the example out. Empty: labels as they are.
    tokenised: the text has blanks between its tokens, so `data.detokenise` applies to it.
    limit: at most so many examples, a seeded sample.
    repeat: each example stands in the split so many times, which weighs a small source up.
    aspects: of a data set of aspects, the terms of the text, the categories, or both.
    conflict: whether aspects labelled "conflict" (both good and bad) are kept.
    """

    dataset: str = ""
    file: str = ""
    format: Format = "auto"
    text: str = "text"
    label: str = "label"
    labels: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    delimiter: str = ","
    header: bool = True
    tokenised: bool = False
    limit: Count | None = None
    repeat: Count = 1
    aspects: Literal["terms", "categories", "both"] = "terms"
    conflict: Literal["drop", "keep"] = "drop"

    def __post_init__(self) -> None:
        if bool(self.dataset) == bool(self.file):
            raise RecipeError('a source names either a dataset ("name:split") or a file')
        if self.dataset and not _NAMED_SPLIT.fullmatch(self.dataset):
            raise RecipeError('must read "name:split"', path="dataset")
        if len(self.delimiter) != 1:
            raise RecipeError("must be one character", path="delimiter")

    @classmethod
    def from_text(cls, text: str, path: str = "") -> "Source":
        """ "name:split" is a named data set, anything else a file. Raises RecipeError if empty."""
        if not text:
            raise RecipeError('expected "name:split" or a file, found nothing', path=path)
        return cls(dataset=text) if _NAMED_SPLIT.fullmatch(text) else cls(file=text)


@dataclass(frozen=True, slots=True)
class DevFromTrain:
    """The dev split is cut from the training split: seeded, stratified, texts kept together."""

    split_from_train: Annotated[float, Between(above=0, most=0.5)]


@dataclass(frozen=True, slots=True)
class Data:
    """Where the examples come from. `test` is opened by the scorer alone.

    limit: at most so many examples a source, a seeded sample; for quick tests.
    detokenise: the share of the tokenised training texts that are put into the form people type.
    detokenise_adds: those stand in the training split in both forms, not only in the new one.
    """

    train: tuple[Source, ...]
    dev: tuple[Source, ...] | DevFromTrain
    test: tuple[Source, ...] = ()
    on_bad_line: Literal["error", "skip"] = "error"
    limit: Count | None = None
    detokenise: Share = 0.0
    detokenise_adds: bool = False

    def __post_init__(self) -> None:
        if not self.train:
            raise RecipeError("must name at least one source", path="train")
        if not self.dev:
            raise RecipeError(
                "must name at least one source, or be {split_from_train = 0.1}", path="dev"
            )


@dataclass(frozen=True, slots=True)
class Audit:
    """What the data may hold before training is refused; each a share of a split's examples.

    max_duplicate_share: examples whose text stood earlier in the same split.
    max_conflict_share: examples whose text stands in the same split with another label too.
    max_cross_split_share: dev or test examples whose text stands in the training split.
    allow: checks that are reported and never refuse.
    drop_leaks: training examples whose text stands in dev or test are left out and counted.
    """

    max_duplicate_share: Share = 0.25
    max_conflict_share: Share = 0.01
    max_cross_split_share: Share = 0.01
    allow: tuple[Check, ...] = ()
    drop_leaks: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """Text to words to ids.

    min_count: a training word seen less often becomes the unknown word.
    vectors: a named vector set or a file; "" starts from random vectors.
    vector_words: so many of the set's most frequent words join the vocabulary.
    encoder: a pretrained encoder by folder, installed package or hub id: `training.pretrained`.
    max_window_tokens: longer texts are cut into windows at sentence bounds.
    """

    tokenizer: Literal["words", "spacy"] = "words"
    lowercase: bool = True
    min_count: Count = 1
    max_words: Count = 100_000
    vectors: str = ""
    vector_words: Annotated[int, Between(least=0)] = 0
    encoder: str = ""
    max_window_tokens: Count = 256


@dataclass(frozen=True, slots=True)
class Network:
    """The architecture's name, and its sizes, which the architecture itself checks."""

    architecture: str
    sizes: Mapping[str, Size] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Training:
    """The loop. batch_size in examples, patience in epochs, warmup_share of all steps."""

    epochs: Count = 10
    batch_size: Count = 32
    learning_rate: Positive = 1e-3
    weight_decay: NotNegative = 0.0
    patience: Count = 3
    warmup_share: Share = 0.0
    max_gradient_norm: Positive = 1.0
    gradient_accumulation: Count = 1
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    optimizer: Optimizer = "adamw"
    schedule: Literal["linear", "constant", "cosine"] = "linear"
    word_dropout: ProperShare = 0.0
    label_smoothing: ProperShare = 0.0
    metric: Metric = "accuracy"


@dataclass(frozen=True, slots=True)
class Publish:
    """tolerance: how far a replayed golden score may be off; golden: how many golden examples."""

    tolerance: Positive = 1e-4
    golden: Count = 32


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything a run depends on. `name` is the model's name in the store.

    features: what the architecture "linear" reads, and it alone; it has no sizes and no loop.
    search: what `valence train --search N` may vary; see `training.space`.
    """

    name: str
    task: TaskName
    data: Data
    network: Network
    seed: Seed = 13
    description: str = ""
    audit: Audit = field(default_factory=Audit)
    text: Text = field(default_factory=Text)
    training: Training = field(default_factory=Training)
    publish: Publish = field(default_factory=Publish)
    features: Features | None = None
    search: Mapping[str, Range | tuple[Choice, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_space(self.search)
        if not _NAME.fullmatch(self.name):
            raise RecipeError(f"must match {_NAME.pattern}, and is {self.name!r}", path="name")
        if (self.features is not None) != (self.network.architecture == "linear"):
            raise RecipeError('goes with network.architecture = "linear"', path="features")


def from_dict(raw: Mapping[str, Any]) -> Recipe:
    """A recipe from plain values. Raises RecipeError that names the key and what is allowed."""
    return build(Recipe, raw)


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """Plain JSON values; `from_dict(to_dict(recipe)) == recipe`."""
    return cast(dict[str, Any], to_plain(recipe))
