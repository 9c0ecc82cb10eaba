"""What is served, and whether it answers."""

from collections.abc import Mapping

from pydantic import BaseModel, Field

from service.schemas.common import ModelIdentity


class ServedModel(ModelIdentity):
    """A version in memory. `reference` is null for one that was loaded on demand."""

    reference: str | None
    task: str
    layers: Mapping[str, list[str]] = Field(
        description="Label set of each layer; none for language models."
    )


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
