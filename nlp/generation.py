"""Text that a language model goes on with, word by word: greedy, sampled, or by beam search.

    generation = task.generate("The soup was", GenerationPolicy(temperature=0.8, seed=7))
    while windows := generation.wanted():
        generation.take(model.forward(windows))
        print(generation.new(), end="", flush=True)

Each step's rows go through the network like any others; the network keeps no state between them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from nlp.decoding import Floats, log_softmax
from nlp.joining import Joiner
from nlp.search import BeamSearch, Sampler, Sampling
from nlp.tasks.base import Row, Window
from nlp.vocabulary import END, PAD, UNKNOWN, Vocabulary

NEXT: Final = "next"
"""The network's output: (trained vocabulary,) logits of the next word."""

FinishReason = Literal["end", "length"]
Ids = tuple[int, ...]
Ask = Callable[[Ids], Window]
"""The window that asks for the word after these ids."""


@dataclass(frozen=True, slots=True)
class GenerationPolicy:
    """How a text is gone on with.

    max_new_tokens: words at most. sampling: how each is drawn; temperature 0 is greedy.
    beams: over 0 the most probable text is looked for by a beam search of so many hypotheses,
        nothing is drawn, and all of the text comes at its end. length_penalty: see `nlp.search`.
    """

    max_new_tokens: int = 50
    sampling: Sampling = field(default_factory=Sampling)
    beams: int = 0
    length_penalty: float = 0.0

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be 1 or more, and is {self.max_new_tokens}")
        if self.beams < 0:
            raise ValueError(f"beams must be 0 (none) or more, and is {self.beams}")
        if not 0 <= self.length_penalty < np.inf:
            raise ValueError(f"length_penalty must be 0 or more, and is {self.length_penalty}")
        if self.beams and self.sampling != Sampling(seed=self.sampling.seed):
            raise ValueError("beams draw nothing: leave temperature, top_k and top_p out")


class Generation:
    """A search (`nlp.tasks.base.Search`) for the text behind a prompt.

    Neither padding nor the unknown word is ever written. `new` gives what can be shown already.
    """

    def __init__(
        self,
        policy: GenerationPolicy,
        vocabulary: Vocabulary,
        ask: Ask,
        joiner: Joiner,
        *,
        prompt_tokens: int,
        prompt_tokens_read: int,
    ) -> None:
        """ask: a window for words written so far, the prompt before them. joiner: stands at the
        prompt's end. prompt_tokens_read: fewer than prompt_tokens where the prompt is longer than
        the model's window; the words nearest the end are read.
        """
        self._vocabulary = vocabulary
        self._ask = ask
        self._joiner = joiner
        self._steps = _steps(policy, vocabulary.id(END))
        self._shown = 0
        self._pieces: list[str] = []
        self.prompt_tokens = prompt_tokens
        self.prompt_tokens_read = prompt_tokens_read

    def wanted(self) -> Sequence[Window]:
        return [self._ask(prefix) for prefix in self._steps.prefixes()]

    def take(self, rows: Sequence[Row]) -> None:
        logits = np.stack([row[NEXT] for row in rows]).astype(np.float64)
        logits[:, [PAD, UNKNOWN]] = -np.inf
        self._steps.take(logits)

    def rows(self) -> Sequence[Row]:
        """None: what is found is text, not outputs of the network."""
        return ()

    def new(self) -> str:
        """The text written since the last call; "" where nothing is certain yet."""
        written = self._steps.written()[self._shown :]
        self._shown += len(written)
        piece = "".join(self._joiner.add(self._vocabulary.words[i]) for i in written)
        self._pieces.append(piece)
        return piece

    @property
    def text(self) -> str:
        """All that `new` has given: the prompt and this are one text."""
        return "".join(self._pieces)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words written so far that are certain."""
        return tuple(self._vocabulary.words[i] for i in self._steps.written())

    @property
    def log_probability(self) -> float:
        """Natural log, by the model itself among the words it may write, of what is written; the
        end counts where the text has ended.
        """
        return self._steps.score

    @property
    def finish_reason(self) -> FinishReason | None:
        """`end`: the model ended the text. `length`: the policy did. None: it goes on."""
        if self._steps.prefixes():
            return None
        return "end" if self._steps.ended else "length"


class _Steps(Protocol):
    """How one word follows another."""

    def prefixes(self) -> Sequence[Ids]:
        """What to go on from; none when it is over."""

    def take(self, logits: Floats) -> None:
        """(prefixes, words), -inf where a word is forbidden."""

    def written(self) -> Ids:
        """The words that are certain."""

    @property
    def score(self) -> float: ...

    @property
    def ended(self) -> bool: ...


class _Drawn:
    """Each word is drawn, and stays."""

    def __init__(self, policy: GenerationPolicy, end: int) -> None:
        self._sampler = Sampler(policy.sampling)
        self._limit = policy.max_new_tokens
        self._end = end
        self._written: Ids = ()
        self.score = 0.0
        self.ended = False

    def prefixes(self) -> Sequence[Ids]:
        over = self.ended or len(self._written) >= self._limit
        return [] if over else [self._written]

    def take(self, logits: Floats) -> None:
        word, log_probability = self._sampler.draw(logits[0])
        self.score += log_probability
        self.ended = word == self._end
        if not self.ended:
            self._written = (*self._written, word)

    def written(self) -> Ids:
        return self._written


class _Beam:
    """Nothing is certain before the search is over."""

    def __init__(self, policy: GenerationPolicy, end: int) -> None:
        self._search = BeamSearch(
            policy.beams,
            limit=policy.max_new_tokens,
            end=end,
            length_penalty=policy.length_penalty,
        )

    def prefixes(self) -> Sequence[Ids]:
        return self._search.prefixes()

    def take(self, logits: NDArray[np.float64]) -> None:
        self._search.take(log_softmax(logits))

    def written(self) -> Ids:
        return () if self.prefixes() else self._search.best()[0].tokens

    @property
    def score(self) -> float:
        return self._search.best()[0].score

    @property
    def ended(self) -> bool:
        return self._search.best()[0].finished


def _steps(policy: GenerationPolicy, end: int) -> _Steps:
    return _Beam(policy, end) if policy.beams else _Drawn(policy, end)
