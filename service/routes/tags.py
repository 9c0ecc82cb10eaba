"""POST /v1/tags: words with their place in the text and their part-of-speech tags."""

from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from nlp.offsets import OffsetEncoding, offset_converter
from nlp.tasks.base import Answer
from service.http import DirectRoute
from service.items import GivenItem, Render
from service.openapi import predict_options
from service.routes.predict import Predictor
from service.schemas import TagsBody, TagsResponse


def tags_route(predictor: Predictor) -> APIRoute:
    """The route, described for OpenAPI."""

    async def tags(request: Request) -> Response:
        """The words of each text with their tags, in order; or tags for words given as they are."""
        body = await predictor.read(request, TagsBody)
        return await predictor.answer(request, body, "tagging", _render_in(body.offset_encoding))

    options = predict_options(TagsBody, TagsResponse)
    return DirectRoute("/v1/tags", tags, methods=["POST"], **options)


def _render_in(encoding: OffsetEncoding) -> Render:
    """An answer whose offsets count in `encoding`."""

    def render(item: GivenItem, answer: Answer) -> dict[str, Any]:
        content = answer.to_dict()
        if encoding != "codepoint" and isinstance(item, str) and not item.isascii():
            convert = offset_converter(item, encoding)
            for token in content["tokens"]:
                token["start"], token["end"] = convert(token["start"]), convert(token["end"])
        return content

    return render
