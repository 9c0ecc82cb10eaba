"""POST /v1/score: how probable a language model finds a text, word by word."""

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from service.http import DirectRoute
from service.openapi import predict_options
from service.places import render_in
from service.routes.predict import Predictor
from service.schemas.predict import ScoreBody, ScoreResponse


def score_route(predictor: Predictor) -> APIRoute:
    """The route, described for OpenAPI."""

    async def score(request: Request) -> Response:
        """Perplexity and log-probability of each text, in order, and of each of its words."""
        body = await predictor.read(request, ScoreBody)
        render = render_in(body.offset_encoding)
        return await predictor.answer(request, body, "language-model", render)

    options = predict_options(ScoreBody, ScoreResponse)
    return DirectRoute("/v1/score", score, methods=["POST"], **options)
