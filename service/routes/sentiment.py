"""POST /v1/sentiment: one label with a probability for each, a text."""

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from service.http import DirectRoute
from service.openapi import predict_options
from service.places import render_in
from service.routes.predict import Predictor
from service.schemas.predict import SentimentBody, SentimentResponse


def sentiment_route(predictor: Predictor) -> APIRoute:
    """The route, described for OpenAPI."""

    async def sentiment(request: Request) -> Response:
        """The sentiment of each text, in order. Long texts are read whole, in windows."""
        body = await predictor.read(request, SentimentBody)
        render = render_in(body.offset_encoding)
        return await predictor.answer(request, body, "sentiment", render, receipts=body.receipts)

    options = predict_options(SentimentBody, SentimentResponse)
    return DirectRoute("/v1/sentiment", sentiment, methods=["POST"], **options)
