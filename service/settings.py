"""Every setting of the service, in one frozen class: `VALENCE_*` variables, units in the names."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from model_store.feedback.location import OFF, default_feedback_url, parse_location
from model_store.location import default_store_url
from model_store.names import parse_reference

ENV_PREFIX = "VALENCE_"
AUTO = "auto"
SECRET_CHARACTERS = 32
ALWAYS = ("sentiment@champion", "tags@champion")
"""What is served where `models` is auto, whatever else there is (`service.discovery`)."""


def _check_references(text: str) -> str:
    references = [part.strip() for part in text.split(",") if part.strip()]
    if not references:
        raise ValueError("name at least one model, for example sentiment@champion")
    for reference in references:
        _check_reference(reference)
    return ",".join(dict.fromkeys(references))


def _check_reference(reference: str) -> None:
    from model_store.errors import InvalidName

    try:
        parse_reference(reference)
    except InvalidName as error:
        raise ValueError(str(error)) from None


def _check_feedback(url: str) -> str:
    from model_store.errors import Invalid

    if url != OFF:
        try:
            parse_location(url)
        except Invalid as error:
            raise ValueError(str(error)) from None
    return url


def _check_secrets(given: SecretStr) -> SecretStr:
    found = [part.strip() for part in given.get_secret_value().split(",") if part.strip()]
    if any(len(secret) < SECRET_CHARACTERS for secret in found):
        raise ValueError(f"a secret has at least {SECRET_CHARACTERS} characters")
    return SecretStr(",".join(found))


References = Annotated[str, AfterValidator(_check_references)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """What `valence serve` can be told. Read once at start; nothing changes it afterwards."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
        hide_input_in_errors=True,  # some are secrets
    )

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 is every one."
    )
    port: Port = Field(default=8000, description="TCP port; 0 takes a free one.")
    store: str = Field(
        default_factory=default_store_url,
        description="Model store: a folder, s3://bucket/prefix, gs:// or az://. The default is a "
        "local one, seeded with the starter models when it is empty.",
    )
    trusted_keys: str = Field(
        default="",
        description="Ed25519 public keys (PEM), or folders of them, by comma: only versions that "
        "one of them signed are served (valence models keygen, sign). Read again at every check. "
        "Empty: unsigned versions are served, too.",
    )
    models: References = Field(
        default=AUTO,
        description="Versions kept loaded, by comma: name, name@alias or name@7. The first one of "
        "a task answers requests that name no model. auto: sentiment and tags, and of each further "
        "task one champion that the store has.",
    )
    cache_folder: Path = Field(
        default_factory=lambda: Path(default_store_url()).parent / "cache",
        description="Where versions are materialised and verified before they are loaded.",
    )
    device: str = Field(
        default="cpu", pattern=r"^(cpu|cuda(:\d{1,3})?)$", description="cpu, cuda or cuda:1."
    )
    runtime: Literal["auto", "onnx", "torch"] = Field(
        default="auto", description="auto: onnx on a CPU, torch on CUDA."
    )
    threads: int = Field(
        default=1, ge=0, le=1024, description="Threads of one network's operators; 0 is one a core."
    )
    body_limit_bytes: PositiveInt = Field(
        default=2 * 1024 * 1024, description="Larger bodies get 413."
    )
    body_timeout_seconds: PositiveFloat = Field(
        default=15.0, description="A body that takes longer to arrive gets 408."
    )
    max_texts: PositiveInt = Field(default=256, description="Texts in one request.")
    max_text_characters: PositiveInt = Field(
        default=100_000, description="Code points in one text; a longer one gets its own error."
    )
    max_aspects: PositiveInt = Field(default=64, description="Aspects given with one text.")
    max_new_tokens: PositiveInt = Field(
        default=256, description="Words that one request may have written."
    )
    queue_limit_tokens: PositiveInt = Field(
        default=50_000,
        description="Tokens accepted and not yet answered, each model; beyond: 429.",
    )
    batch_budget_tokens: PositiveInt = Field(
        default=4096, description="Rows x longest row of one batch, padding counted."
    )
    batch_window_items: PositiveInt = Field(
        default=128, description="Waiting rows that are looked at for one batch."
    )
    max_wait_seconds: NonNegativeFloat = Field(
        default=0.01, description="A row that has waited longer goes with the next batch."
    )
    default_timeout_ms: PositiveInt = Field(default=30_000, description="Deadline of a request.")
    max_timeout_ms: PositiveInt = Field(
        default=120_000, description="The longest one a caller may ask."
    )
    watchdog_seconds: PositiveFloat = Field(
        default=20.0, description="A batch that takes longer makes the service not ready."
    )
    poll_interval_seconds: PositiveFloat = Field(
        default=5.0, description="How often aliases are read."
    )
    max_loaded_versions: int = Field(
        default=2,
        ge=0,
        le=100,
        description='Versions loaded beside those served, for "model": "name@7".',
    )
    drift_window_seconds: PositiveFloat = Field(
        default=3600.0,
        description="Drift figures are of the traffic of so long, or longer where it was little.",
    )
    drift_minimum_items: PositiveInt = Field(
        default=200, description="Of fewer items (each feature its own) no drift is told."
    )
    drift_perplexity_share: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Share of the texts that a language model scores for the drift figures, while "
        "it has nothing else to do, where a version has a reference by the one that is loaded.",
    )
    shutdown_delay_seconds: NonNegativeFloat = Field(
        default=0.0, description="After SIGTERM: not ready, yet answering, for so long."
    )
    drain_seconds: PositiveFloat = Field(
        default=30.0, description="After that: what is in flight has so long to finish."
    )
    keep_alive_seconds: PositiveInt = Field(
        default=75, description="An idle connection is kept so long."
    )
    feedback: Annotated[str, AfterValidator(_check_feedback)] = Field(
        default_factory=default_feedback_url,
        repr=False,
        description="Where POST /v1/feedback keeps what it is told: sqlite:///file, or "
        "postgresql+psycopg://user:password@host/database where several replicas run; off takes "
        "none.",
    )
    feedback_texts: bool = Field(
        default=False, description="Whether texts that come with feedback are kept, to train on."
    )
    feedback_text_days: PositiveInt = Field(
        default=90, description="A text that is kept is blanked after so long."
    )
    feedback_keep_days: NonNegativeInt = Field(
        default=0, description="Feedback is deleted after so long; 0: never."
    )
    feedback_max_items: PositiveInt = Field(default=256, description="Judgements in one request.")
    feedback_flood_items: PositiveInt = Field(
        default=20, description="Accepted judgements of one text; more are quarantined."
    )
    feedback_certain_score: float = Field(
        default=0.99,
        ge=0,
        le=1,
        description="An answer with a higher score that is called wrong is quarantined.",
    )
    feedback_token_sha256: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="SHA-256, in hex, of the bearer token that feedback must bring; empty: none.",
    )
    receipt_keys: Annotated[SecretStr, AfterValidator(_check_secrets)] = Field(
        default=SecretStr(""),
        description="Secrets of receipts, by comma: the first signs, all verify. Set it where "
        "several replicas run, by its variable. Default: a file beside the default store.",
    )
    receipt_days: PositiveInt = Field(default=30, description="A receipt is good for so long.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug writes a line a request (never its text)."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal, else json."
    )
    trace_endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^\s@]+)?$",
        description="OTLP/HTTP collector to send spans to, such as http://localhost:4318/v1/traces "
        "(never a text). Empty: none. Needs the extra tracing; OTEL_EXPORTER_OTLP_HEADERS has its "
        "credentials.",
    )
    trace_sample_ratio: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Share of requests traced where the caller's traceparent does not decide it.",
    )

    @cached_property
    def references(self) -> tuple[str, ...]:
        """`models` as separate references; those that are always served for auto."""
        return ALWAYS if self.discovers else tuple(self.models.split(","))

    @property
    def discovers(self) -> bool:
        """Whether further models are looked for in the store."""
        return self.models == AUTO
