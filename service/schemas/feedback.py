"""What people say of answers, and what became of it."""

from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from service.schemas.common import STRICT, Encoding, ErrorResult, TimedBody, Whole, one_of

ID: Final = r"^[0-9a-f]{32}$"
MAX_RECEIPT_CHARACTERS: Final = 2048
MAX_LABEL_CHARACTERS: Final = 200


def _place_or_category(schema: dict[str, Any]) -> None:
    schema |= {
        "oneOf": [{"required": ["start", "end"]}, {"required": ["category"]}],
        "dependentRequired": {"start": ["end"], "end": ["start"]},
    }


class JudgedSpan(BaseModel):
    """A place of the text and its label; or, for an aspect without a place, its category."""

    model_config = ConfigDict(**STRICT, json_schema_extra=_place_or_category)

    start: Whole = Field(default_factory=int, ge=0, description="In `offset_encoding`.")
    end: Whole = Field(default_factory=int, ge=0)
    category: str = Field(default_factory=str, min_length=1, max_length=MAX_LABEL_CHARACTERS)
    label: str = Field(min_length=1, max_length=MAX_LABEL_CHARACTERS)

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        given = self.model_fields_set & {"start", "end", "category"}
        if given not in ({"start", "end"}, {"category"}):
            detail = "send start and end, or a category"
            raise PydanticCustomError("half_place", detail)
        return self

    @property
    def located(self) -> bool:
        return not self.category


class JudgedItem(BaseModel):
    """What the answer should have been: a label, or else all spans."""

    model_config = ConfigDict(**STRICT, json_schema_extra=one_of("label", "spans"))

    id: str = Field(pattern=ID, description="Of the prediction, as it was answered.")
    receipt: str = Field(min_length=1, max_length=MAX_RECEIPT_CHARACTERS, description="With it.")
    label: str = Field(
        default_factory=str,
        min_length=1,
        max_length=MAX_LABEL_CHARACTERS,
        description="Of a sentiment: the right label.",
    )
    spans: list[JudgedSpan] = Field(
        default_factory=list,
        description="Of tags (the first layer's) or aspects: the right spans, all of them.",
    )
    text: str = Field(
        default_factory=str,
        description="The text that was predicted. Kept only where the operator allows it; needed "
        "to count in anything but code points.",
    )

    @model_validator(mode="after")
    def _has_one_judgement(self) -> Self:
        if len(self.model_fields_set & {"label", "spans"}) != 1:
            raise PydanticCustomError("one_judgement", "send exactly one of label or spans")
        return self

    @property
    def in_spans(self) -> bool:
        return "spans" in self.model_fields_set

    @property
    def given_text(self) -> str | None:
        return self.text if "text" in self.model_fields_set else None


class FeedbackBody(TimedBody):
    """Judgements of answers that came with receipts."""

    items: list[JudgedItem] = Field(min_length=1)
    offset_encoding: Encoding


class JudgedResult(BaseModel):
    id: str
    outcome: Literal["accepted", "duplicate", "quarantined"] = Field(
        description="duplicate: it is known already. quarantined: somebody will look at it first."
    )
    text_kept: bool | None = Field(None, description="Of a text that was sent.")


class FeedbackResponse(BaseModel):
    results: list[JudgedResult | ErrorResult] = Field(description="In the order sent.")
