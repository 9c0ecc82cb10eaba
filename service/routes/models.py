"""GET /v1/models and /v1/models/{name}: what is in memory, and what the store holds of a model."""

from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from model_store import InvalidName, Store, StoreError
from model_store import NotFound as StoreNotFound
from service.engine import Engine
from service.http import DirectRoute, json_response
from service.openapi import get_options
from service.problems import NotFound, NotReady
from service.registry import Registry
from service.schemas.models import ModelDetail, ModelsResponse


def models_route(registry: Registry) -> APIRoute:
    """The list; it asks nothing of the store."""

    async def models(_: Request) -> Response:
        """Every version in memory: those served under a reference, then those loaded on demand."""
        return json_response({"models": _in_memory(registry)})

    options = get_options(200, ModelsResponse)
    return DirectRoute("/v1/models", models, methods=["GET"], **options)


def model_route(registry: Registry) -> APIRoute:
    """One model of the store."""

    async def model(request: Request) -> Response:
        """Versions and aliases of one model, and which of its versions are in memory."""
        name = request.path_params["name"]

        def look(store: Store) -> dict[str, Any]:
            return {"versions": store.versions(name), "aliases": store.aliases(name)}

        try:
            stored = await registry.store.run(look)
        except (StoreNotFound, InvalidName):
            raise NotFound("there is no such model; GET /v1/models lists those in memory") from None
        except StoreError:
            raise NotReady("the model store does not answer", retry_seconds=5) from None
        served = [entry for entry in _in_memory(registry) if entry["name"] == name]
        return json_response({"name": name, **stored, "served": served})

    options = get_options(200, ModelDetail, problems=(404, 503), parameters=("name",))
    return DirectRoute("/v1/models/{name}", model, methods=["GET"], **options)


def _in_memory(registry: Registry) -> list[dict[str, Any]]:
    served = registry.served
    loaded = served.engines
    named = [(text, loaded[key]) for key, text in served.references.items() if key in loaded]
    others = [(None, engine) for engine in registry.on_demand.engines.values()]
    return [_entry(reference, engine) for reference, engine in [*named, *others]]


def _entry(reference: str | None, engine: Engine) -> dict[str, Any]:
    return {
        "reference": reference,
        **engine.identity,
        "task": engine.task,
        "layers": engine.layers,
    }
