"""Language models: fixed window, recurrent, Transformer. They differ in how the words before become
a state; `next_word` makes probabilities of it.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from nlp.errors import ModelError
from nlp.networks.base import Network
from nlp.networks.embeddings import Channels, WordEmbeddings
from nlp.networks.next_word import NextWord
from nlp.networks.recurrent import Cell, Recurrent
from nlp.networks.transformer import (
    Activation,
    Norm,
    PositionKind,
    Positions,
    TransformerEncoder,
)
from nlp.vocabulary import PAD


class LanguageModelNetwork(Network):
    """Words to states, and the states that are asked to the next word: a subclass gives `states`.

    words (batch, time); asked, following (batch, k) -> next (batch, trained) and
    next_log_probability (batch, k), as `nlp.tasks.language_model` says.
    """

    inputs: ClassVar[tuple[str, ...]] = ("words", "asked", "following")
    embeddings: WordEmbeddings
    next_word: NextWord

    def states(self, words: Tensor) -> Tensor:
        """(batch, time) -> (batch, time, width); a state depends on no later word."""
        raise NotImplementedError

    def forward(self, words: Tensor, asked: Tensor, following: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self.next_word(
            self.states(words), asked, following, self.embeddings
        )
        return found


class WindowLanguageModel(LanguageModelNetwork):
    """The fixed window of Bengio et al. (2003): the embeddings e of the last `history` words side
    by side, one hidden layer, and a softmax over the vocabulary:

        h = tanh(W e + b);  p = softmax(U h + c)

    direct: the window also reaches the softmax past the hidden layer, p = softmax(U h + V e + c),
    as in the paper, where it is optional. Before the text's first word stand zeros.
    """

    def __init__(
        self,
        outputs: dict[str, int],  # noqa: ARG002 - its labels are its words
        *,
        words: int,
        trained: int,
        dimensions: int = 100,
        channels: Channels = "random",
        history: int = 4,
        hidden: int = 200,
        direct: bool = False,
        tied: bool = False,
        dropout: float = 0.2,
        samples: int = 0,
    ) -> None:
        """Raises ModelError for a window without words, and as `NextWord`."""
        if history < 1:
            raise ModelError(f"history is {history}; the window holds at least 1 word")
        super().__init__()
        self.history = history
        self.direct = direct
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        window = history * self.embeddings.width
        self.hidden = nn.Linear(window, hidden)
        self.dropout = nn.Dropout(dropout)
        width = hidden + (window if direct else 0)
        self.next_word = NextWord(width, self.embeddings, tied=tied, samples=samples)

    def states(self, words: Tensor) -> Tensor:
        window = self.dropout(self._windows(words))
        hidden = self.dropout(torch.tanh(self.hidden(window)))
        return torch.cat([hidden, window], dim=-1) if self.direct else hidden

    def _windows(self, words: Tensor) -> Tensor:
        """(batch, time) -> (batch, time, history * width): a word last in its own window."""
        vectors = self.embeddings(words) * (words != PAD).unsqueeze(-1)
        time = words.shape[1]
        before = pad(vectors, (0, 0, self.history - 1, 0))  # zeros before the text
        return torch.cat([before[:, i : i + time] for i in range(self.history)], dim=-1)


class RecurrentLanguageModel(LanguageModelNetwork):
    """A recurrent network from left to right (Mikolov et al. 2010; as LSTM, Zaremba et al. 2014):

        h(t) = cell(h(t-1), e(t));  p = softmax(U h(t) + c)

    Dropout stands between the layers and never inside the recurrence (Zaremba et al.).
    """

    def __init__(
        self,
        outputs: dict[str, int],  # noqa: ARG002 - its labels are its words
        *,
        words: int,
        trained: int,
        dimensions: int = 200,
        channels: Channels = "random",
        cell: Cell = "lstm",
        hidden: int = 200,
        layers: int = 1,
        tied: bool = True,
        dropout: float = 0.2,
        samples: int = 0,
    ) -> None:
        """Raises ModelError as `Recurrent` and `NextWord`."""
        super().__init__()
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        self.recurrent = Recurrent(
            self.embeddings.width, hidden, cell=cell, layers=layers, dropout=dropout
        )
        self.dropout = nn.Dropout(dropout)
        self.next_word = NextWord(hidden, self.embeddings, tied=tied, samples=samples)

    def states(self, words: Tensor) -> Tensor:
        vectors = self.dropout(self.embeddings(words))
        states: Tensor = self.dropout(self.recurrent(vectors, words != PAD))
        return states


class TransformerLanguageModel(LanguageModelNetwork):
    """The decoder of Vaswani et al. (2017) by itself (Radford et al. 2018): self-attention that
    sees a word and what is before it.

    positions: learned ones are for at most `places` words, so that the text's `max_window_tokens`
    may not be more.
    """

    def __init__(
        self,
        outputs: dict[str, int],  # noqa: ARG002 - its labels are its words
        *,
        words: int,
        trained: int,
        dimensions: int = 200,
        channels: Channels = "random",
        hidden: int = 200,
        heads: int = 4,
        layers: int = 2,
        feed_forward: int = 800,
        positions: PositionKind = "sinusoidal",
        places: int = 256,
        norm: Norm = "pre",
        activation: Activation = "gelu",
        tied: bool = True,
        dropout: float = 0.1,
        samples: int = 0,
    ) -> None:
        """Raises ModelError as `TransformerEncoder`, `Positions` and `NextWord`."""
        super().__init__()
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        if self.embeddings.learnt is not None:
            # Of unit size once scaled. Larger, a tied table would first of all foretell each word
            # itself: what is read is still most of what stands at the output.
            nn.init.normal_(self.embeddings.learnt.weight[1:], std=hidden**-0.5)
        width = self.embeddings.width
        self.entry = nn.Linear(width, hidden) if width != hidden else nn.Identity()
        self.scale = hidden**0.5  # lest the positions drown the words
        self.positions = Positions(positions, hidden, limit=places)
        self.dropout = nn.Dropout(dropout)
        self.decoder = TransformerEncoder(
            hidden, heads,
            layers=layers, feed_forward=feed_forward, dropout=dropout, norm=norm,
            activation=activation, causal=True,
        )  # fmt: skip
        self.next_word = NextWord(hidden, self.embeddings, tied=tied, samples=samples)

    def states(self, words: Tensor) -> Tensor:
        vectors = self.positions(self.entry(self.embeddings(words)) * self.scale)
        states: Tensor = self.decoder(self.dropout(vectors), words != PAD)
        dropped: Tensor = self.dropout(states)
        return dropped
