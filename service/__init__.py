"""How a version is asked: schema -> engine -> batcher -> runtime -> answer, and its metrics.

A request's road: `gate` (request id, in-flight count, problems) -> `http` (body limit, JSON,
deadline) -> `registry` (which engine) -> `engine` (encode, batch, decode) -> the answer, which
names the version that gave it. `served` notices aliases that move under a running service,
`discovery` models that come. Answers that are found step by step (`rounds`) send each step down the
same road; `judging` sends a text through two engines, one that finds its aspects, one that judges.

Choices made here:

* One event loop, one worker thread a loaded version. Small texts are encoded and decoded on the
  loop, because a thread hop costs as much as the work; large requests are handed to a thread.
* The hot routes are plain ASGI callables inside FastAPI's router: FastAPI describes them in the
  OpenAPI document and finds them, pydantic parses the body, orjson writes the answer.
* A stream of events counts as one request until its last event: its time, its place in the
  metrics, its model's lease and its problems are those of any other.
* Nothing here imports torch, transformers or spaCy; a version that needs one brings it.
* Aggregates only: no text reaches a log, a metric or an error message.
"""
