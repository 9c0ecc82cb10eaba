"""Texts that a language model writes."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from service.schemas.common import ModelIdentity, ModelName, TimedBody, Whole

MAX_BEAMS: Final = 16
MAX_SEED: Final = 2**53 - 1
"""JSON numbers are exact up to here in every language."""

_DRAWING: Final = ("temperature", "top_k", "top_p", "seed")

Number = Annotated[float, Field(allow_inf_nan=False)]


def _conditions(schema: dict[str, Any]) -> None:
    """A beam search draws nothing, and only it has a length penalty."""
    drawn = [{"required": [name]} for name in _DRAWING]
    schema["not"] = {"required": ["beam_width"], "anyOf": drawn}
    schema["dependentRequired"] = {"length_penalty": ["beam_width"]}


class GenerateBody(TimedBody):
    """A text to go on with, and how."""

    model_config = ConfigDict(json_schema_extra=_conditions)

    prompt: str = Field(default="", description="What the text begins with; may be empty.")
    model: ModelName
    max_new_tokens: Whole = Field(default=50, ge=1, description="Words to write at most.")
    temperature: Number = Field(
        default=1.0, ge=0, le=100, description="Under 1 plays safe, over 1 is bold; 0 is greedy."
    )
    top_k: Whole = Field(
        default=0, ge=0, le=1_000_000, description="Draw among so many words; 0: all."
    )
    top_p: Number = Field(
        default=1.0, gt=0, le=1, description="Draw among the likeliest words of so much in all."
    )
    seed: Whole = Field(
        default_factory=int,
        ge=0,
        le=MAX_SEED,
        description="The same seed and version write the same text. Default: another each time; "
        "the answer says which.",
    )
    beam_width: Whole = Field(
        default_factory=int,
        ge=1,
        le=MAX_BEAMS,
        description="Look for the most probable text with so many hypotheses; draw nothing.",
    )
    length_penalty: Number = Field(
        default=0.0, ge=0, le=10, description="Of a beam search: over 0 favours longer texts."
    )
    stream: bool = Field(
        default=True, description="Server-sent events as the text is written, or one JSON object."
    )

    @model_validator(mode="after")
    def _draws_or_searches(self) -> Self:
        given = self.model_fields_set
        if "beam_width" in given and given.intersection(_DRAWING):
            detail = f"a beam search draws nothing: leave out {', '.join(_DRAWING)}"
            raise PydanticCustomError("beams_draw_nothing", detail)
        if "length_penalty" in given and "beam_width" not in given:
            raise PydanticCustomError("no_beams", "length_penalty goes with beam_width")
        return self


class GenerateResponse(BaseModel):
    """The answer, and the data of the last event of a stream."""

    model: ModelIdentity
    text: str = Field(description="What was written; prompt and text together are the whole.")
    finish_reason: Literal["end", "length"] = Field(
        description="The model ended the text, or max_new_tokens did."
    )
    tokens: int = Field(description="Words written.")
    log_probability: float = Field(description="Of what was written, natural logarithm.")
    prompt_tokens: int
    prompt_tokens_read: int = Field(
        description="Less than prompt_tokens where the prompt is longer than the model can read; "
        "its end was read."
    )
    seed: int | None = Field(None, description="What the words were drawn with.")
