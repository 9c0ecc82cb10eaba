"""POST /v1/tags: words with their place in the text and their part-of-speech tags."""

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from service.http import DirectRoute
from service.openapi import predict_options
from service.places import render_in
from service.routes.predict import Predictor
from service.schemas.predict import TagsBody, TagsResponse


def tags_route(predictor: Predictor) -> APIRoute:
    """The route, described for OpenAPI."""

    async def tags(request: Request) -> Response:
        """The words of each text with their tags, in order; or tags for words given as they are."""
        body = await predictor.read(request, TagsBody)
        render = render_in(body.offset_encoding)
        return await predictor.answer(request, body, "tagging", render, receipts=body.receipts)

    options = predict_options(TagsBody, TagsResponse)
    return DirectRoute("/v1/tags", tags, methods=["POST"], **options)
