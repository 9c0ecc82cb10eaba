"""What every encoder-decoder that writes pairs has: how it reads what is written, how it copies.

The ids of the prefix and the output axis (the symbols, then the words of the text) are those of
`nlp.pair_grammar`.
"""

from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from nlp.errors import ModelError
from nlp.networks.recurrent import gather_places
from nlp.vocabulary import PAD

Copy = Literal["joint", "mixture"]
COPIES: Final[tuple[Copy, ...]] = ("joint", "mixture")

LEAST: Final = -30.0
"""The lowest log-probability given out, that of padding among them. Far below it runtimes differ by
more than rounding, and nothing that improbable is ever looked at.
"""

_ABSENT: Final = -1e4

_SHIFT: Final = 2


class WrittenEmbeddings(nn.Module):
    """The prefix, as the decoder reads it.

    A symbol is its own embedding. A copied word is the text's own: its embedding beside the
    encoder's state at its place ("selective read", Gu et al. 2016, section 3.3), from which the
    decoder knows where in the text it stands; symbols have zeros there.
    """

    def __init__(self, symbols: int, word_width: int, state_width: int) -> None:
        super().__init__()
        self.symbols = symbols
        self.embeddings = nn.Embedding(_SHIFT + symbols, word_width, padding_idx=PAD)
        self.width = word_width + state_width

    def forward(self, prefix: Tensor, vectors: Tensor, states: Tensor) -> Tensor:
        """prefix (batch, steps), the words' vectors (batch, time, word_width) and the encoder's
        states (batch, time, state_width) -> (batch, steps, width).
        """
        places = prefix - _SHIFT - self.symbols  # (batch, steps), negative on symbols
        copied = (places >= 0).unsqueeze(-1)
        read = gather_places(torch.cat([vectors, states], dim=-1), places.clamp(min=0))
        symbols = self.embeddings(torch.where(places >= 0, PAD, prefix))
        padding = symbols.new_zeros(1).expand(*prefix.shape, states.shape[2])
        return torch.where(copied, read, torch.cat([symbols, padding], dim=-1))


class CopyHead(nn.Module):
    """States of the decoder to log-probabilities of symbols and of words to copy.

    joint    one softmax over the symbols' scores and the words' (Gu et al. 2016, equation 6; a
             place of the text is an outcome of its own, so that there is nothing to sum)
    mixture  p(write) * p(symbol), (1 - p(write)) * p(word) (See et al. 2017, equation 9)
    """

    def __init__(self, width: int, symbols: int, *, copy: Copy) -> None:
        """Raises ModelError for an unknown way to copy."""
        if copy not in COPIES:
            raise ModelError(f"unknown copy {copy!r}; known: {', '.join(COPIES)}")
        super().__init__()
        self.write = nn.Linear(width, symbols)
        self.gate = nn.Linear(width, 1) if copy == "mixture" else None

    def forward(self, states: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        """states (batch, steps, width), the words' scores (batch, steps, time) and mask (batch,
        time), True on words -> (batch, steps, symbols + time); padding gets LEAST.
        """
        absent = ~mask.unsqueeze(1)
        scores = scores.masked_fill(absent, _ABSENT)
        written = self.write(states)  # (batch, steps, symbols)
        if self.gate is None:
            joined = torch.cat([written, scores], dim=-1).log_softmax(dim=-1)
        else:
            joined = _mixed(self.gate(states), written, scores)
        if not self.training:  # in training even the improbable needs its gradient
            joined = joined.clamp(min=LEAST)
        symbols, words = joined.tensor_split([self.write.out_features], dim=-1)
        return torch.cat([symbols, words.masked_fill(absent, LEAST)], dim=-1)


def _mixed(gate: Tensor, written: Tensor, scores: Tensor) -> Tensor:
    """gate (batch, steps, 1), positive where a symbol is written rather than a word copied."""
    symbols = written.log_softmax(dim=-1) - softplus(-gate)  # log of the gate's sigmoid
    words = scores.log_softmax(dim=-1) - softplus(gate)
    return torch.cat([symbols, words], dim=-1)


class CopyScore(nn.Module):
    """How well a state of the decoder fits a word: tanh(W x) . s (Gu et al. 2016, equation 8)."""

    def __init__(self, width: int, key_width: int) -> None:
        super().__init__()
        self.key = nn.Linear(key_width, width)

    def forward(self, states: Tensor, keys: Tensor) -> Tensor:
        """(batch, steps, width), (batch, time, key_width) -> (batch, steps, time)."""
        return states @ torch.tanh(self.key(keys)).transpose(1, 2)


def only_layer(outputs: dict[str, int]) -> tuple[str, int]:
    """The one output and its number of symbols. Raises ModelError for more or fewer."""
    if len(outputs) != 1:
        raise ModelError(f"an encoder-decoder writes one layer; not {sorted(outputs)}")
    return next(iter(outputs.items()))
