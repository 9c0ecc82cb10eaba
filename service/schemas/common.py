"""What bodies share: texts, the model's name, time; and what every answer says of itself."""

from collections.abc import Sequence
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
STRICT: Final = ConfigDict(extra="forbid", frozen=True, strict=True)
"""Unknown fields are refused, no value is converted."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def texts_schema(entry: dict[str, Any]) -> dict[str, Any]:
    """One text, or a list of them; `entry` describes one of a list."""
    return {
        "description": "One text, or a list of them.",
        "anyOf": [{"type": "array", "items": entry, "minItems": 1}, {"type": "string"}],
    }


Listed: Final = BeforeValidator(_listed)
Texts = Annotated[list[str], Listed, WithJsonSchema(texts_schema({"type": "string"}))]


def whole(value: object) -> object:
    """JSON knows one kind of number: 250.0 is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(whole)]
Milliseconds = Annotated[PositiveInt, BeforeValidator(whole)]

ModelName = Annotated[
    str,
    Field(
        default_factory=str,
        min_length=1,
        description="name (its champion), name@alias or name@7; without it, the service's own.",
        json_schema_extra={"pattern": REFERENCE},
    ),
]
Encoding = Annotated[
    OffsetEncoding, Field(default="codepoint", description="What start and end count in.")
]


class TimedBody(BaseModel):
    """What every request takes."""

    model_config = STRICT

    timeout_ms: Milliseconds = Field(
        default_factory=int,
        description="The answer is of no use after so long. The header X-Request-Timeout-Ms says "
        "the same; the shorter one counts.",
    )


class ReceiptsBody(TimedBody):
    """A request whose answers may come with receipts, for feedback on them."""

    receipts: bool = Field(
        default=False,
        description="Whether each good answer ends with an id and a receipt, to send with the "
        "right label to /v1/feedback.",
    )


class Receipted(BaseModel):
    """Of an answer that was asked with receipts."""

    id: str | None = Field(None, description="Of this prediction: 32 hexadecimal digits.")
    receipt: str | None = Field(None, description="Proves the prediction to /v1/feedback.")


class InputsBody(TimedBody):
    """A request that holds its texts in exactly one of the fields `inputs`."""

    inputs: ClassVar[tuple[str, ...]] = ("texts", "text")

    @model_validator(mode="after")
    def _has_one_input(self) -> Self:
        if len(self.model_fields_set.intersection(self.inputs)) != 1:
            fields = " or ".join(self.inputs)
            raise PydanticCustomError("one_input", f"send exactly one of {fields}")
        return self

    @property
    def input_field(self) -> str:
        """The field that holds the texts."""
        return next(iter(self.model_fields_set.intersection(self.inputs)))


class PredictBody(InputsBody):
    """What every prediction by one model takes."""

    texts: Texts = Field(default_factory=list)
    text: str = Field(default="", description="The same as `texts` with one text.")
    model: ModelName

    def items(self) -> Sequence[str | tuple[str, ...]]:
        """The request's items: texts, or tuples of words where they came tokenised."""
        return [self.text] if "text" in self.model_fields_set else self.texts


def one_of(*fields: str) -> dict[str, Any]:
    """For a body's JSON schema: exactly one of the fields."""
    return {"oneOf": [{"required": [field]} for field in fields]}


class ItemError(BaseModel):
    """Why one item has no answer; its neighbours have theirs."""

    code: str = Field(examples=["empty_text", "invalid_unicode", "text_too_long", "model_failed"])
    message: str


class ErrorResult(BaseModel):
    error: ItemError


class ModelIdentity(BaseModel):
    """The version that answered; `digest` is the sha256 of its manifest."""

    name: str
    version: int
    digest: str


class Usage(BaseModel):
    texts: int
    tokens: int


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
