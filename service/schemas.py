"""Bodies of requests and answers: requests are parsed with these, answers are described by them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from nlp.offsets import OffsetEncoding

REFERENCE: Final = r"^[a-z][a-z0-9._-]{0,63}(@([a-z][a-z0-9._-]{0,63}|[1-9][0-9]{0,8}))?$"


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


_TEXT_OR_TEXTS: Final = {
    "description": "One text, or a list of them.",
    "anyOf": [
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
        {"type": "string"},
    ],
}
Texts = Annotated[list[str], BeforeValidator(_listed), WithJsonSchema(_TEXT_OR_TEXTS)]


def _whole(value: object) -> object:
    """JSON knows one kind of number: 250.0 is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Milliseconds = Annotated[PositiveInt, BeforeValidator(_whole)]


def _one_of(*fields: str) -> dict[str, Any]:
    return {"oneOf": [{"required": [field]} for field in fields]}


class PredictBody(BaseModel):
    """What every prediction takes. Unknown fields are refused, no value is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    inputs: ClassVar[tuple[str, ...]] = ("texts", "text")

    texts: Texts = Field(default_factory=list)
    text: str = Field(default="", description="The same as `texts` with one text.")
    model: str = Field(
        default_factory=str,
        min_length=1,
        description="name (its champion), name@alias or name@7; without it, the service's own.",
        json_schema_extra={"pattern": REFERENCE},
    )
    timeout_ms: Milliseconds = Field(
        default_factory=int,
        description="The answer is of no use after so long. The header X-Request-Timeout-Ms says "
        "the same; the shorter one counts.",
    )

    @model_validator(mode="after")
    def _has_one_input(self) -> Self:
        if len(self.model_fields_set.intersection(self.inputs)) != 1:
            fields = " or ".join(self.inputs)
            raise PydanticCustomError("one_input", f"send exactly one of {fields}")
        return self

    def items(self) -> Sequence[str | tuple[str, ...]]:
        """The request's items: texts, or tuples of words where they came tokenised."""
        return [self.text] if "text" in self.model_fields_set else self.texts


class SentimentBody(PredictBody):
    """Texts whose sentiment is asked."""

    model_config = ConfigDict(json_schema_extra=_one_of("texts", "text"))


class TagsBody(PredictBody):
    """Texts, or texts already cut into words, whose tags are asked."""

    model_config = ConfigDict(json_schema_extra=_one_of("texts", "text", "tokens"))
    inputs: ClassVar[tuple[str, ...]] = ("texts", "text", "tokens")

    tokens: list[list[str]] = Field(
        default_factory=list, min_length=1, description="Words, kept one to one."
    )
    offset_encoding: OffsetEncoding = Field(
        default="codepoint", description="What start and end count in."
    )

    def items(self) -> Sequence[str | tuple[str, ...]]:
        if "tokens" in self.model_fields_set:
            return [tuple(words) for words in self.tokens]
        return super().items()


class ItemError(BaseModel):
    """Why one item has no answer; its neighbours have theirs."""

    code: str = Field(examples=["empty_text", "invalid_unicode", "text_too_long", "model_failed"])
    message: str


class ErrorResult(BaseModel):
    error: ItemError


class SentimentResult(BaseModel):
    label: str
    score: float = Field(ge=0, le=1.0001)
    scores: Mapping[str, float] = Field(description="Probability of each label.")
    windows: int = Field(description="Parts a long text was read in; none is ever left out.")


class TagToken(BaseModel):
    """`start` and `end` are null for words that came already tokenised."""

    model_config = ConfigDict(extra="allow")
    text: str
    start: int | None
    end: int | None
    upos: str | None = None
    xpos: str | None = None
    score: float = Field(description="Probability of the first layer's tag.")


class TagsResult(BaseModel):
    tokens: list[TagToken]
    windows: int


class ModelIdentity(BaseModel):
    """The version that answered; `digest` is the sha256 of its manifest."""

    name: str
    version: int
    digest: str


class Usage(BaseModel):
    texts: int
    tokens: int


class SentimentResponse(BaseModel):
    model: ModelIdentity
    results: list[SentimentResult | ErrorResult] = Field(description="In the order asked.")
    usage: Usage


class TagsResponse(BaseModel):
    model: ModelIdentity
    results: list[TagsResult | ErrorResult] = Field(description="In the order asked.")
    usage: Usage


class ServedModel(ModelIdentity):
    """A version in memory. `reference` is null for one that was loaded on demand."""

    reference: str | None
    task: str
    layers: Mapping[str, list[str]] = Field(description="Label set of each layer.")


class ModelsResponse(BaseModel):
    models: list[ServedModel]


class ModelDetail(BaseModel):
    """A model as the store has it, and which versions of it are in memory."""

    name: str
    versions: list[int]
    aliases: Mapping[str, int]
    served: list[ServedModel]


class Health(BaseModel):
    status: str


class Readiness(BaseModel):
    ready: bool
    models: Mapping[str, str] = Field(description="Reference served -> version, or why not.")


class FieldErrorBody(BaseModel):
    detail: str
    pointer: str | None = Field(None, description="JSON pointer into the body.")
    header: str | None = None


class ProblemBody(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = Field(description="The request's id, as in X-Request-Id.")
    errors: list[FieldErrorBody] | None = None
