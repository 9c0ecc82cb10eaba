"""POST /v1/feedback: what answers should have been."""

import hashlib
from collections.abc import Sequence
from hmac import compare_digest
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from model_store.feedback import OFF, Added, Bounds, Submission
from service.feedback_client import FeedbackClient
from service.http import DirectRoute, json_response
from service.items import Refused
from service.judged import Checked, Judging, Labels
from service.metrics import REFUSED, Metrics
from service.openapi import feedback_options
from service.patience import Patience
from service.problems import FieldError, Invalid, NotFound, Unauthorized
from service.routes.predict import Predictor
from service.schemas.feedback import FeedbackBody, FeedbackResponse, JudgedItem
from service.settings import Settings

_SCHEME = "bearer"


def feedback_route(predictor: Predictor, client: FeedbackClient, metrics: Metrics) -> APIRoute:
    """The route, described for OpenAPI."""
    settings = predictor.settings
    judging = Judging(settings, predictor.receipts, Labels(predictor.registry))

    async def feedback(request: Request) -> Response:
        """Judgements of answers that were asked with `"receipts": true`, by id and receipt.

        The same judgement sent again is a duplicate and does no harm. What is doubtful (another
        judgement of the same answer or text, a contradiction of a nearly certain answer, a flood)
        is quarantined: it is kept, and neither trains nor counts until somebody has looked at it.
        Where the operator wants a token, send it as `Authorization: Bearer`.
        """
        _check_allowed(request, settings)
        body = await predictor.read(request, FeedbackBody)
        _check_count(body, settings)
        with predictor.patience(request, body) as patience:
            checked = await judging.check(body.items, body.offset_encoding)
            added = await _keep(client, checked, settings, patience)
        _count(metrics, checked, added)
        return json_response({"results": _results(body.items, checked, added)})

    options = feedback_options(FeedbackBody, FeedbackResponse)
    return DirectRoute("/v1/feedback", feedback, methods=["POST"], **options)


def _check_allowed(request: Request, settings: Settings) -> None:
    """Raises NotFound where feedback is off, Unauthorized without the token that is asked for."""
    if settings.feedback == OFF:
        raise NotFound("this service takes no feedback: the setting `feedback` is off")
    wanted = settings.feedback_token_sha256
    if not wanted:
        return
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found = hashlib.sha256(token.strip().encode()).hexdigest()
    if scheme.lower() != _SCHEME or not compare_digest(found, wanted):
        raise Unauthorized("send the token for feedback: Authorization: Bearer ...")


def _check_count(body: FeedbackBody, settings: Settings) -> None:
    limit = settings.feedback_max_items
    if len(body.items) > limit:
        raise Invalid([FieldError(f"send 1 to {limit} items", pointer="/items")])


async def _keep(
    client: FeedbackClient, checked: Sequence[Checked], settings: Settings, patience: Patience
) -> list[Added]:
    """What became of the good items, in order; all are kept, or none. Raises as `client.run`."""
    good = [one.found for one in checked if isinstance(one.found, Submission)]
    if not good:
        return []
    bounds = Bounds(settings.feedback_certain_score, settings.feedback_flood_items)
    return await client.run(lambda base: base.add(good, bounds=bounds), patience)


def _count(metrics: Metrics, checked: Sequence[Checked], added: Sequence[Added]) -> None:
    kept = iter(added)
    for one in checked:
        if isinstance(one.found, Refused):
            metrics.count_feedback(one.model, REFUSED)
        else:
            metrics.count_feedback(one.model, next(kept).outcome, right=one.right)


def _results(
    items: Sequence[JudgedItem], checked: Sequence[Checked], added: Sequence[Added]
) -> list[dict[str, Any]]:
    """The reason of a quarantine is the operator's to know: it may tell of others' judgements."""
    kept = iter(added)
    return [
        one.found.to_dict() if isinstance(one.found, Refused) else _result(item, next(kept))
        for item, one in zip(items, checked, strict=True)
    ]


def _result(item: JudgedItem, added: Added) -> dict[str, Any]:
    told: dict[str, Any] = {"id": added.id, "outcome": added.outcome}
    return told if item.given_text is None else {**told, "text_kept": added.text_kept}
