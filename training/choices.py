"""What a recipe chooses by key, and where each choice comes from: for help and documents."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Choice:
    """One key of a recipe: its values, what they choose, and the source."""

    key: str
    values: tuple[str, ...]
    what: str
    source: str


ARCHITECTURES: Final[tuple[tuple[str, str, str], ...]] = (
    ("linear", "sentiment", "logistic regression on terms, topics and the lecture's features"),
    ("feed-forward", "sentiment", "averaged embeddings (Iyyer et al. 2015)"),
    ("recurrent", "sentiment", "RNN, LSTM or GRU with pooling"),
    ("textcnn", "sentiment", "filters over word windows (Kim 2014)"),
    ("transformer", "sentiment", "encoder from scratch (Vaswani et al. 2017)"),
    ("pretrained", "sentiment", "any encoder of transformers, fine-tuned"),
    ("bilstm-tagger", "tagging, extraction", "words and characters, CRF (Lample et al. 2016)"),
    ("transformer-tagger", "tagging, extraction", "the same inputs, self-attention"),
    ("pretrained-tagger", "tagging, extraction", "any encoder, first sub-word of a word"),
    ("aspect-lstm", "aspects", '"Aspect food." in front, max pooling'),
    ("attention-lstm", "aspects", "the aspect asks the states (Wang et al. 2016)"),
    ("target-lstm", "aspects", "two LSTMs that meet on the term (Tang et al. 2016)"),
    ("pretrained-aspect", "aspects", "text and aspect as a sentence pair (Sun et al. 2019)"),
    ("window-language-model", "language-model", "fixed window (Bengio et al. 2003)"),
    ("recurrent-language-model", "language-model", "RNN, LSTM or GRU (Mikolov et al. 2010)"),
    ("transformer-language-model", "language-model", "causal decoder (Radford et al. 2018)"),
    ("recurrent-encoder-decoder", "pairs", "attention and copying (Gu et al. 2016)"),
    ("transformer-encoder-decoder", "pairs", "the same with self-attention"),
)
"""(network.architecture, the tasks it is for, what it is)."""

CHOICES: Final = (
    Choice(
        "text.tokenizer",
        ("words", "spacy"),
        "what cuts a text into words",
        "one regular expression in Rust; spaCy's blank English",
    ),
    Choice(
        "text.encoder",
        ("folder", "installed package", "hub id"),
        "a pretrained encoder and its sub-words",
        "Devlin et al. 2019; Wang et al. 2020 (MiniLM)",
    ),
    Choice(
        "text.vectors",
        ("glove.6B.50d", "file"),
        "pretrained word vectors: GloVe or word2vec, text or binary",
        "Pennington et al. 2014; Mikolov et al. 2013",
    ),
    Choice(
        "network.sizes.channels",
        ("random", "static", "non-static", "two-channel"),
        "whether vectors are given, kept or tuned",
        "Kim 2014",
    ),
    Choice(
        "network.sizes.cell",
        ("rnn", "lstm", "gru"),
        "the recurrent cell",
        "Elman 1990; Hochreiter and Schmidhuber 1997; Cho et al. 2014",
    ),
    Choice(
        "network.sizes.directions",
        ("1", "2"),
        "forwards, or both ways",
        "Schuster and Paliwal 1997",
    ),
    Choice(
        "network.sizes.pooling",
        ("last", "mean", "max", "concat"),
        "states of a text to one vector; an encoder's: mean, first",
        "Collobert and Weston 2008; Howard and Ruder 2018",
    ),
    Choice(
        "network.sizes.activation",
        ("relu", "tanh", "sigmoid", "gelu"),
        "between feed-forward layers; relu or gelu in a Transformer",
        "Nair and Hinton 2010; Hendrycks and Gimpel 2016",
    ),
    Choice(
        "network.sizes.score",
        ("dot", "scaled-dot", "bilinear", "additive"),
        "how an aspect asks a word; network.sizes.attention in an encoder-decoder",
        "Luong et al. 2015; Vaswani et al. 2017; Bahdanau et al. 2015",
    ),
    Choice(
        "network.sizes.window",
        ("0", "n"),
        "attention to all places, or to those within n (local)",
        "Luong et al. 2015, section 3.2",
    ),
    Choice(
        "network.sizes.positions",
        ("sinusoidal", "learned"),
        "how a Transformer knows the order",
        "Vaswani et al. 2017, section 3.5",
    ),
    Choice(
        "network.sizes.norm",
        ("pre", "post"),
        "layer norm before or behind each part",
        "Xiong et al. 2020; Vaswani et al. 2017",
    ),
    Choice(
        "network.sizes.crf",
        ("true", "false"),
        "tags chosen together, or each by itself",
        "Lafferty et al. 2001",
    ),
    Choice(
        "network.sizes.copy",
        ("joint", "mixture"),
        "one softmax over symbols and words, or a switch between two",
        "Gu et al. 2016; See et al. 2017",
    ),
    Choice(
        "network.sizes.tied",
        ("true", "false"),
        "a language model's output words share the input's table, or have their own",
        "Press and Wolf 2017; Inan et al. 2017",
    ),
    Choice(
        "network.sizes.samples",
        ("0", "n"),
        "a language model trains on all words, or on n drawn ones a batch",
        "Bengio and Senécal 2008",
    ),
    Choice(
        "features.terms.weighting",
        ("tfidf", "nb", "count", "binary"),
        "what an n-gram counts for",
        "Spärck Jones 1972; Wang and Manning 2012",
    ),
    Choice(
        "features.project",
        ("pca", "svd", "lda"),
        "few features of many: components, singular vectors, discriminants",
        "Pearson 1901; Deerwester et al. 1990; Fisher 1936",
    ),
)


def help_text() -> str:
    """For `valence train --help`: a paragraph a choice."""
    networks = [f"  {name} ({tasks}): {what}" for name, tasks, what in ARCHITECTURES]
    keys = [f"  {c.key} = {' | '.join(c.values)}: {c.what}. {c.source}." for c in CHOICES]
    parts = ["network.architecture:", *networks, "Other choices:", *keys]
    return "\n\n".join(parts)


def markdown() -> str:
    """For docs/models.md: two tables."""
    networks = [f"| `{name}` | {tasks} | {what} |" for name, tasks, what in ARCHITECTURES]
    keys = [f"| `{c.key}` | {_listed(c)} | {c.what} | {c.source} |" for c in CHOICES]
    head = ["| `network.architecture` | task | what it is |", "|---|---|---|"]
    rows = ["| key | values | what it chooses | source |", "|---|---|---|---|"]
    return "\n".join([*head, *networks, "", *rows, *keys]) + "\n"


def _listed(choice: Choice) -> str:
    return ", ".join(f"`{value}`" for value in choice.values)
