"""Sentiment, tags and scores of texts."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from service.schemas.common import (
    Encoding,
    ErrorResult,
    ModelIdentity,
    PredictBody,
    Receipted,
    ReceiptsBody,
    Usage,
    one_of,
)


class SentimentBody(PredictBody, ReceiptsBody):
    """Texts whose sentiment is asked."""

    model_config = ConfigDict(json_schema_extra=one_of("texts", "text"))

    offset_encoding: Encoding


class WordsBody(PredictBody):
    """Texts, or texts already cut into words."""

    model_config = ConfigDict(json_schema_extra=one_of("texts", "text", "tokens"))
    inputs: ClassVar[tuple[str, ...]] = ("texts", "text", "tokens")

    tokens: list[list[str]] = Field(
        default_factory=list, min_length=1, description="Words, kept one to one."
    )
    offset_encoding: Encoding

    def items(self) -> Sequence[str | tuple[str, ...]]:
        if "tokens" in self.model_fields_set:
            return [tuple(words) for words in self.tokens]
        return super().items()


def _tags_schema(schema: dict[str, Any]) -> None:
    """Receipts are for texts, whose words have places."""
    refused = {"required": ["tokens", "receipts"], "properties": {"receipts": {"const": True}}}
    schema |= {**one_of("texts", "text", "tokens"), "not": refused}


class TagsBody(WordsBody, ReceiptsBody):
    """Texts, or texts already cut into words, whose tags are asked."""

    model_config = ConfigDict(json_schema_extra=_tags_schema)

    @model_validator(mode="after")
    def _has_texts_for_its_receipts(self) -> Self:
        if self.receipts and self.input_field == "tokens":
            detail = "receipts are for texts: words that came already split have no places"
            raise PydanticCustomError("no_text", detail)
        return self


class ScoreBody(WordsBody):
    """Texts, or texts already cut into words, whose probability is asked."""


class FiredWord(BaseModel):
    """A word that one of the lecture's features counted."""

    text: str
    start: int
    end: int
    feature: str


class Term(BaseModel):
    text: str
    contribution: float = Field(description="Added to the label's logit; negative: against it.")


class Explanation(BaseModel):
    """What spoke for the label, of a linear model; each part where the model has it."""

    features: Mapping[str, float] | None = Field(None, description="The lecture's six counts.")
    contributions: Mapping[str, float] | None = Field(
        None, description="What each feature added to the label's logit."
    )
    words: list[FiredWord] | None = None
    terms: list[Term] | None = Field(None, description="The strongest, strongest first.")


class SentimentResult(Receipted):
    label: str
    score: float = Field(ge=0, le=1.0001)
    scores: Mapping[str, float] = Field(description="Probability of each label.")
    windows: int = Field(description="Parts a long text was read in; none is ever left out.")
    explanation: Explanation | None = None


class TagToken(BaseModel):
    """`start` and `end` are null for words that came already tokenised."""

    model_config = ConfigDict(extra="allow")
    text: str
    start: int | None
    end: int | None
    upos: str | None = None
    xpos: str | None = None
    score: float = Field(description="Probability of the first layer's tag.")


class TagsResult(Receipted):
    tokens: list[TagToken]
    windows: int


class ScoredToken(BaseModel):
    """`start` and `end` are null for words that came already tokenised."""

    text: str
    start: int | None
    end: int | None
    log_probability: float = Field(description="Natural logarithm, given all words before it.")
    unknown: bool = Field(description="The model has no such word and scored 'any unknown word'.")


class ScoreResult(BaseModel):
    perplexity: float = Field(description="exp(-log_probability / (tokens + 1)): the end counts.")
    log_probability: float = Field(description="Of the whole text, its end included.")
    end_log_probability: float
    tokens: list[ScoredToken]
    windows: int


class SentimentResponse(BaseModel):
    model: ModelIdentity
    results: list[SentimentResult | ErrorResult] = Field(description="In the order asked.")
    usage: Usage


class TagsResponse(BaseModel):
    model: ModelIdentity
    results: list[TagsResult | ErrorResult] = Field(description="In the order asked.")
    usage: Usage


class ScoreResponse(BaseModel):
    model: ModelIdentity
    results: list[ScoreResult | ErrorResult] = Field(description="In the order asked.")
    usage: Usage
