"""Logistic regression over weighted n-grams and features, with the stages that lead to it.

    x      = [ weight * tf / norm  for each term  |  (lecture - mean) / scale  |  topics ]
    logits = W x + b, or the chain of projections and then the classifier

x is as wide as there are terms and never made: the first map is a table with a row a term, and a
text's value is the sum of its terms' rows. Each stage equals its scikit-learn original: tf-idf
(TfidfTransformer), log-count ratios (Wang and Manning 2012), PCA and discriminant analysis (affine
maps), topics (LatentDirichletAllocation: Hoffman, Blei and Bach 2010), LogisticRegression.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal

import torch
from torch import Tensor, nn

from nlp.errors import ModelError
from nlp.lecture_features import LECTURE
from nlp.networks.base import Network

Frequency = Literal["count", "binary", "log"]
FREQUENCIES: Final[tuple[Frequency, ...]] = ("count", "binary", "log")
_EPSILON: Final = 2.220446049250313e-16
"""The least that the topics' normaliser may be: the step of double precision."""
_SHIFT: Final = 8
NOTHING: Final = torch.zeros(0, 0, dtype=torch.int64)


class Linear(Network):
    """terms: how many n-grams there are, 0 for none. tf: a term's count, 1, or 1 + ln(count).
    norm: the weighted terms of a text have length 1. lecture: it reads the six features.
    topics, topic_prior, topic_steps: see `Topics`; only_topics: the terms are read for them alone.
    projections: their widths, in order.
    """

    inputs = ("terms", "counts", "lecture")

    def __init__(
        self,
        outputs: dict[str, int],
        *,
        words: int = 0,  # noqa: ARG002 - every network is told
        trained: int = 0,  # noqa: ARG002
        terms: int = 0,
        tf: Frequency = "count",
        norm: bool = False,
        lecture: bool = False,
        topics: int = 0,
        topic_prior: float = 1.0,
        topic_steps: int = 10,
        only_topics: bool = False,
        projections: Sequence[int] = (),
    ) -> None:
        if len(outputs) != 1:
            raise ModelError(f"a linear model has one layer of labels, not {len(outputs)}")
        if tf not in FREQUENCIES:
            raise ModelError(f"unknown tf {tf!r}; known: {', '.join(FREQUENCIES)}")
        if not terms and not lecture:
            raise ModelError("a linear model reads terms, features, or both")
        if (topics and not terms) or (only_topics and not topics):
            raise ModelError("topics are read from terms, and only_topics reads topics")
        super().__init__()
        ((self.layer, labels),) = outputs.items()
        widths = [*projections, labels]
        self.tf, self.norm = tf, norm
        rows = 0 if only_topics or not terms else terms + 1
        self.table = nn.Embedding(rows, widths[0], padding_idx=0) if rows else None
        self.weights: Tensor
        self.register_buffer("weights", torch.ones(rows))
        self.topics = Topics(terms, topics, topic_prior, topic_steps) if topics else None
        dense = len(LECTURE) * lecture + topics
        self.dense = Dense(len(LECTURE) * lecture, dense, widths[0]) if dense else None
        self.bias = nn.Parameter(torch.zeros(widths[0]))
        self.chain = nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(widths)))

    def forward(
        self,
        terms: Tensor = NOTHING,
        counts: Tensor = NOTHING,
        lecture: Tensor = NOTHING,
    ) -> dict[str, Tensor]:
        """terms, counts: (batch, n); lecture: (batch, 6). A model without one of them ignores it.

        Gives logits (batch, labels) by layer, and what each part adds to them, which is exact but
        for the topics: `<layer>_contributions` (batch, n, labels) of the terms and
        `<layer>_features` (batch, 6, labels). With topics the parts are left out.
        """
        parts: dict[str, Tensor] = {}
        if self.table is not None:
            rows = self.table(terms) * self._weighted(terms, counts).unsqueeze(-1)
            parts["contributions"] = rows  # (batch, n, width)
        if self.dense is not None:
            topics = None if self.topics is None else self.topics(terms, counts)
            parts["features"] = self.dense(lecture, topics)  # (batch, dense, width)
        value = torch.stack([part.sum(dim=1) for part in parts.values()]).sum(dim=0) + self.bias
        shares = {} if self.topics is not None else self._shares(parts)
        return {self.layer: self.chain(value), **shares}

    def _weighted(self, terms: Tensor, counts: Tensor) -> Tensor:
        """(batch, n): zero on padding."""
        value = self.weights[terms] * self._frequency(counts)
        if not self.norm:
            return value
        length = value.square().sum(dim=1, keepdim=True).sqrt()
        return value / torch.where(length > 0, length, 1.0)

    def _frequency(self, counts: Tensor) -> Tensor:
        if self.tf == "count":
            return counts
        occurs = (counts > 0).to(counts.dtype)
        return occurs * (1.0 + counts.clamp(min=1.0).log()) if self.tf == "log" else occurs

    def _shares(self, parts: dict[str, Tensor]) -> dict[str, Tensor]:
        """What each term or feature adds to the logits, by output name."""
        nothing = torch.zeros_like(self.bias)
        apart = {name: self.chain(part) - self.chain(nothing) for name, part in parts.items()}
        return {f"{self.layer}_{name}": part for name, part in apart.items()}


class Dense(nn.Module):
    """Standardised features, and topics, times their weights, each apart: (batch, dense, width)."""

    def __init__(self, lecture: int, dense: int, width: int) -> None:
        super().__init__()
        self.mean: Tensor
        self.scale: Tensor
        self.columns: Tensor
        self.register_buffer("mean", torch.zeros(dense))
        self.register_buffer("scale", torch.ones(dense))
        self.register_buffer("columns", torch.arange(lecture), persistent=False)
        self.weight = nn.Parameter(torch.zeros(dense, width))

    def forward(self, lecture: Tensor, topics: Tensor | None) -> Tensor:
        # Columns are picked one by one because the graph's axes are all open: the number of
        # features is known here and not there.
        picked = [lecture.index_select(1, self.columns)] if len(self.columns) else []
        given = torch.cat([*picked, *([] if topics is None else [topics])], dim=1)
        return ((given - self.mean) / self.scale).unsqueeze(-1) * self.weight


class Topics(nn.Module):
    """The share of each topic in a text, by `steps` rounds of variational inference.

    counts -> gamma = prior + theta * sum_t (count_t / (theta . beta_t)) beta_t, where
    theta = exp(E[ln theta]) = exp(digamma(gamma) - digamma(sum gamma)): equations (4) and (5) of
    Hoffman, Blei and Bach (2010), "Online Learning for Latent Dirichlet Allocation", from gamma = 1
    on, as scikit-learn takes them. steps is fixed, so that no text's answer hangs on another's.

    sum gamma is the same after every round, so exp(-digamma(sum gamma)) stands above and below the
    fraction's line: it is left out there, and multiplied with what scikit-learn adds below it.
    """

    def __init__(self, terms: int, topics: int, prior: float, steps: int) -> None:
        super().__init__()
        self.prior, self.steps = prior, steps
        self.beta: Tensor
        self.register_buffer("beta", torch.cat([torch.zeros(1, topics), torch.ones(terms, topics)]))

    def forward(self, terms: Tensor, counts: Tensor) -> Tensor:
        """(batch, n) twice -> (batch, topics), rows sum to one."""
        beta = self.beta[terms]  # (batch, n, topics)
        row = counts.unsqueeze(1)  # (batch, 1, n)
        total = row.sum(dim=2, keepdim=True) + self.prior * beta.shape[2]
        # Of padding nothing is expected. A constant this small ONNX Runtime would drop, and divide
        # 0 by 0 there; this one it has to compute.
        least = _EPSILON * digamma(total).exp()  # (batch, 1, 1)
        gamma = torch.ones_like(beta[:, :1])  # (batch, 1, topics)
        for _ in range(self.steps):
            theta = digamma(gamma).exp()
            expected = theta @ beta.transpose(1, 2) + least  # (batch, 1, n)
            gamma = self.prior + theta * ((row / expected) @ beta)
        shares = gamma.squeeze(1)
        return shares / shares.sum(dim=1, keepdim=True)


def digamma(x: Tensor) -> Tensor:
    """The digamma function for x > 0, which ONNX lacks: the recurrence digamma(x) = digamma(x + 1)
    - 1 / x up to where the asymptotic series holds (Abramowitz and Stegun 1964, 6.3.18).
    """
    steps = torch.arange(_SHIFT, device=x.device, dtype=x.dtype)
    below = (1.0 / (x.unsqueeze(-1) + steps)).sum(dim=-1)
    y = x + _SHIFT
    inverse = 1.0 / y
    square = inverse * inverse
    series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252)))
    return y.log() - 0.5 * inverse - series - below
