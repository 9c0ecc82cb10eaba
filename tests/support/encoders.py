"""A small encoder in the form of `transformers`, and a WordPiece tokenizer over given words."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from nlp.subwords import SubWords

SUB_WORDS: Final = 320
"""Rows of the encoder's table; the tokenizer has at most so many sub-words."""

CONFIG: Final[dict[str, Any]] = {
    "model_type": "bert", "vocab_size": SUB_WORDS, "hidden_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 4, "intermediate_size": 64, "max_position_embeddings": 2048,
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "initializer_range": 0.2,
}  # fmt: skip

_MARKS: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def wordpiece(words: Sequence[str]) -> Tokenizer:
    """An uncased WordPiece tokenizer as BERT has it: the words' characters and their most frequent
    beginnings and ends. Unlike BERT's own it comes with truncation and padding set, as some do.
    """
    lowered = [word.lower() for word in words]
    characters = sorted(
        {character for word in lowered for character in word if character.isalnum()}
    )
    starts = Counter(word[:n] for word in lowered for n in (2, 3, 4) if len(word) >= n)
    ends = Counter(f"##{word[-n:]}" for word in lowered for n in (2, 3) if len(word) > n)
    pieces = [*_MARKS, *characters, *(f"##{c}" for c in characters), *".,!?;:'-"]
    pieces += [piece for piece, _ in (starts + ends).most_common()]
    known = dict.fromkeys(pieces)
    vocabulary = {piece: i for i, piece in enumerate(list(known)[:SUB_WORDS])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(_MARKS))
    ends_of = [(mark, vocabulary[mark]) for mark in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*ends_of)
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8)
    return tokenizer


def subwords(words: Sequence[str]) -> SubWords:
    return SubWords(wordpiece(words), unknown=1)
