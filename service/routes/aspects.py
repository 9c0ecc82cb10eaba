"""POST /v1/aspects: the sentiment of each aspect of a text, given or found."""

from contextlib import ExitStack

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from service.http import DirectRoute
from service.judging import Named, asked_items, find_judges, render_aspects
from service.openapi import predict_options
from service.routes.predict import Predictor, respond
from service.schemas.aspects import AspectsBody, AspectsResponse


def aspects_route(predictor: Predictor) -> APIRoute:
    """The route, described for OpenAPI."""

    async def aspects(request: Request) -> Response:
        """The sentiment of each aspect, with the words that decided it.

        An aspect is a term of the text, with or without its place, or a category that the text does
        not name. Texts without aspects are searched for their terms first, by `extraction_model`.
        A `model` of the task "pairs" takes texts without aspects only and does both by itself.
        """
        body = await predictor.read(request, AspectsBody)
        predictor.receipts.check(asked=body.receipts)
        items = asked_items(body, predictor.settings.max_aspects)
        predictor.check_count(items, body.input_field)
        render = render_aspects(body.offset_encoding, attention=body.attention)
        with predictor.patience(request, body) as patience, ExitStack() as leases:
            judges = await find_judges(
                predictor.registry,
                items,
                patience,
                leases,
                judge=Named(body.model, "/model"),
                finder=Named(body.extraction_model, "/extraction_model"),
            )
            sealing = predictor.receipts.sealing(render, judges.judge, asked=body.receipts)
            answered = await judges.answer(items, sealing, patience)
        head = {"model": judges.judge.identity}
        if judges.finder is not None:
            head["extraction_model"] = judges.finder.identity
        return respond(head, answered)

    options = predict_options(AspectsBody, AspectsResponse)
    return DirectRoute("/v1/aspects", aspects, methods=["POST"], **options)
