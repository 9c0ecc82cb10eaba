"""Aspects of texts, and sentiment, tags and aspects in one call."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from model_store import InvalidName
from model_store.names import parse_reference
from service.schemas.common import (
    STRICT,
    Encoding,
    ErrorResult,
    InputsBody,
    ItemError,
    Listed,
    ModelIdentity,
    ModelName,
    Receipted,
    ReceiptsBody,
    Usage,
    Whole,
    one_of,
    texts_schema,
)
from service.schemas.predict import SentimentResult, TagToken

MAX_ASPECT_CHARACTERS: Final = 200
Part = Literal["sentiment", "tags", "aspects"]


def _named(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


def _reference(value: str) -> str:
    try:
        parse_reference(value)
    except InvalidName:
        detail = "must be name, name@alias or name@number (a-z, 0-9, '.', '_' and '-')"
        raise PydanticCustomError("reference", detail) from None
    return value


Named = BeforeValidator(_named)
"""A string stands for the object that holds nothing but that text."""


class GivenAspect(BaseModel):
    """A term of the text with its place, or a term or category by its name."""

    model_config = STRICT

    text: str = Field(min_length=1, max_length=MAX_ASPECT_CHARACTERS)
    start: Whole = Field(default_factory=int, ge=0)
    end: Whole = Field(default_factory=int, ge=0)

    @model_validator(mode="after")
    def _has_a_whole_place(self) -> Self:
        if len(self.model_fields_set & {"start", "end"}) == 1:
            raise PydanticCustomError("half_place", "send both start and end, or neither")
        return self

    @property
    def located(self) -> bool:
        return "start" in self.model_fields_set


_NAME: Final = {"type": "string", "minLength": 1, "maxLength": MAX_ASPECT_CHARACTERS}
_PLACE: Final = {"type": "integer", "minimum": 0, "description": "In `offset_encoding`."}


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema of an object that has all these and nothing else."""
    required = list(properties)
    shape = {"type": "object", "required": required, "additionalProperties": False}
    return {**shape, "properties": properties}


_ASPECTS: Final[dict[str, Any]] = {
    "description": "What is asked of the text: terms of it, with or without their places, or "
    "categories. Where it is left out they are found.",
    "type": "array",
    "items": {"anyOf": [_NAME, _object(text=_NAME), _object(text=_NAME, start=_PLACE, end=_PLACE)]},
    "minItems": 1,
}
_TEXT: Final = {"type": "string"}
_ASKED: Final = {"anyOf": [_TEXT, _object(text=_TEXT), _object(text=_TEXT, aspects=_ASPECTS)]}

Aspects = Annotated[list[Annotated[GivenAspect, Named]], WithJsonSchema(_ASPECTS)]


class AskedText(BaseModel):
    """A text, and the aspects that are asked of it; none: they are to be found."""

    model_config = STRICT

    text: str
    aspects: Aspects = Field(default_factory=list, min_length=1)


def _texts_or_text(schema: dict[str, Any]) -> None:
    schema |= {**one_of("texts", "text"), "dependentRequired": {"aspects": ["text"]}}


class AspectTextsBody(InputsBody, ReceiptsBody):
    """Texts that may come with their aspects."""

    texts: Annotated[
        list[Annotated[AskedText, Named]], Listed, WithJsonSchema(texts_schema(_ASKED))
    ] = Field(default_factory=list)
    text: str = Field(default="", description="The same as `texts` with one text.")
    aspects: Aspects = Field(
        default_factory=list, min_length=1, description="Those of `text`, where that is sent."
    )
    offset_encoding: Encoding
    attention: bool = Field(
        default=True, description="Whether to answer how much of the reading each word got."
    )

    @model_validator(mode="after")
    def _has_a_text_for_its_aspects(self) -> Self:
        if self.aspects and "text" not in self.model_fields_set:
            detail = "`aspects` goes with `text`; in `texts` each text has its own"
            raise PydanticCustomError("no_text", detail)
        return self

    def asked(self) -> list[AskedText]:
        """The texts in order."""
        if "text" not in self.model_fields_set:
            return self.texts
        return [AskedText.model_construct(text=self.text, aspects=self.aspects)]


class AspectsBody(AspectTextsBody):
    """Texts whose aspects are to be judged, and to be found where none are given."""

    model_config = ConfigDict(json_schema_extra=_texts_or_text)

    model: ModelName
    extraction_model: ModelName

    @field_validator("extraction_model")
    @classmethod
    def _is_a_reference(cls, value: str) -> str:
        """Also where every text has its aspects, and nobody would look at it otherwise."""
        return _reference(value)


class AnalyzeModels(BaseModel):
    """Which version answers which part; `extraction` finds aspects where none are given."""

    model_config = STRICT

    sentiment: ModelName
    tags: ModelName
    aspects: ModelName
    extraction: ModelName

    @field_validator("*")
    @classmethod
    def _is_a_reference(cls, value: str) -> str:
        """Also of a part that is not asked, which nobody would look at otherwise."""
        return _reference(value)


class AnalyzeBody(AspectTextsBody):
    """Texts whose sentiment, tags and aspects are asked together."""

    model_config = ConfigDict(json_schema_extra=_texts_or_text)

    parts: list[Part] = Field(
        default_factory=list, min_length=1, description="Default: all that this service has."
    )
    models: AnalyzeModels = Field(default_factory=AnalyzeModels.model_construct)


class Attended(BaseModel):
    text: str
    start: int
    end: int
    weight: float


class AspectResult(BaseModel):
    """`start` and `end` of a term of the text, `category` of what the text does not name."""

    aspect: str
    start: int | None = None
    end: int | None = None
    category: str | None = None
    label: str
    score: float = Field(ge=0, le=1.0001)
    scores: Mapping[str, float] | None = Field(None, description="Probability of each label.")
    attention: list[Attended] | None = Field(
        None, description="The words that were read and their weights, which sum to one."
    )


class AspectsResult(Receipted):
    aspects: list[AspectResult] = Field(description="In the order given, or of the text.")


class AspectsResponse(BaseModel):
    model: ModelIdentity
    extraction_model: ModelIdentity | None = Field(
        None, description="What found the aspects of texts that came without."
    )
    results: list[AspectsResult | ErrorResult] = Field(description="In the order asked.")
    usage: Usage


class AnalyzeResult(BaseModel):
    """Each part that was answered; `errors` says why another was not."""

    sentiment: SentimentResult | None = None
    tokens: list[TagToken] | None = None
    aspects: list[AspectResult] | None = None
    receipts: Mapping[str, Receipted] | None = Field(
        None, description="By part, where receipts were asked."
    )
    errors: Mapping[str, ItemError] | None = None


class AnalyzeResponse(BaseModel):
    models: Mapping[str, ModelIdentity] = Field(
        description="sentiment, tags, aspects, extraction: the versions that answered."
    )
    missing: Mapping[str, str] = Field(description="Parts without a model, and what they lack.")
    results: list[AnalyzeResult] = Field(description="In the order asked.")
    usage: Usage
