"""Each call described: what it is for, what it takes, what it answers, how it refuses.

The route table says which calls there are; a call without a description here is an error of a test.
Loaded when the contract is read for the first time, never before.
"""

from __future__ import annotations

from lib.core import errors as e
from lib.core.jobs.job import Status
from lib.web.contract import shapes
from lib.web.contract.operation import Operation, Success, header, query
from lib.web.native import query as page_query

PIXELS = (
    "iVBORw0KGgoAAAANSUhEUgAAAPAAAADwAQAAAAAWLtQ/AAAAHklEQVR42u3BAQ0AAADCoPdPbQ8HFAAAAAAAAMCnAR0QAAFQ"
    "m+8DAAAAAElFTkSuQmCC"
)  # 240 x 240, black
PICTURE = f"data:image/png;base64,{PIXELS}"
EVERYWHERE = (
    e.INTERNAL_ERROR,
    e.NOT_CONFIGURED,
    e.STORAGE_UNAVAILABLE,
    e.RECORD_UNREADABLE,
    e.OVERLOADED,
)
GUARDED = (e.UNAUTHENTICATED, e.FORBIDDEN, *EVERYWHERE)
BODY = (e.INVALID_REQUEST, e.INVALID_JSON, e.PAYLOAD_TOO_LARGE, e.UNSUPPORTED_MEDIA_TYPE)
CREATE = (
    *(*BODY, e.INVALID_FRAME, e.UNSUPPORTED_MODEL, e.RATE_LIMITED, e.GONE, e.CONFLICT),
    e.IDEMPOTENCY_MISMATCH,
)


KEY = header(
    "Idempotency-Key",
    "The same key and body lead to the same job; another body is 422. Without a key the same body "
    "leads to the same job for ten minutes as long as no answer of 2xx has gone out in time.",
    minLength=1,
    maxLength=255,
    pattern="^[!-~]([ -~]{0,253}[!-~])?$",
)
MADE = {
    "Location": "the job's path",
    "Retry-After": "seconds until asking makes sense",
    "openai-poll-after-ms": "milliseconds until asking makes sense",
    "Idempotent-Replayed": "`true` when an earlier request with the same key made the job, or the "
    "same request without one, which nobody answered",
    "RateLimit": "how the owner's limits stand (draft-ietf-httpapi-ratelimit-headers)",
    "RateLimit-Policy": "the owner's limits",
}
FOUND = {
    "ETag": "of this state",
    "Preference-Applied": "`wait=N` when the answer was waited for",
    "openai-poll-after-ms": "while the job goes on: milliseconds until asking makes sense",
}
STATUSES = {"type": "array", "items": {"type": "string", "enum": [str(s) for s in Status]}}
ONE, LIVE = (e.NOT_FOUND,), (e.NOT_FOUND, e.CONFLICT, e.NOT_READY)
ANY_RESULT = {"type": "string", "enum": ["video", "first_frame", "last_frame"]}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/v1/videos"): Operation(
        "createVideo",
        "Make a film between two frames",
        {
            202: Success(
                shapes.VideoShape, "The job, at once; the film comes minutes later.", MADE
            ),
            200: Success(
                shapes.ValidationShape, "With `validate_only`: checked, and nothing done."
            ),
        },
        CREATE,
        (
            KEY,
            header("x-stainless-retry-count", "Sent by some SDKs: tries of one call count as one."),
        ),
        "JSON, or a form with files. Other names of fields are understood, too: `first_frame_url`, "
        "`last_frame_url`, `image`, `input_reference`, `images` (a list of two), `duration`, "
        '`size` ("1280x720" picks the resolution).',
        {"application/json": "VideoRequest", "multipart/form-data": "VideoForm"},
    ),
    ("GET", "/v1/videos"): Operation(
        "listVideos",
        "Your jobs, newest first",
        {200: Success(shapes.VideoListShape, "One page, live and finished together.")},
        (e.INVALID_REQUEST,),
        (
            query(
                "after", "The last id of the page before.", type="string", pattern=shapes.VIDEO_ID
            ),
            query(
                "limit",
                "Rows.",
                type="integer",
                minimum=1,
                maximum=page_query.LIMIT_AT_MOST,
                default=page_query.LIMIT,
            ),
            query(
                "order",
                "Newest or oldest first.",
                type="string",
                enum=list(page_query.ORDERS),
                default="desc",
            ),
            {**query("status", "Only these; commas or repetition.", **STATUSES), "explode": True},
        ),
    ),
    ("GET", "/v1/videos/{id}"): Operation(
        "retrieveVideo",
        "How a job stands",
        {
            200: Success(
                shapes.VideoShape,
                "The job; `url` is a fresh signed link once it is completed.",
                FOUND,
            ),
            304: Success(
                None, "Nothing that would be shown has changed.", {"ETag": "of this state"}
            ),
        },
        ONE,
        (
            header(
                "Prefer", "`wait=N`: answer when the job has ended, at most N seconds later (55)."
            ),
            header("If-None-Match", "An ETag seen before: 304 when nothing has changed."),
        ),
    ),
    ("DELETE", "/v1/videos/{id}"): Operation(
        "deleteVideo",
        "Delete a job that has ended, with film, frames and record",
        {200: Success(shapes.DeletedShape, "Gone; asking again says the same.")},
        (e.NOT_FOUND, e.CONFLICT),
    ),
    ("GET", "/v1/videos/{id}/content"): Operation(
        "downloadVideo",
        "Go to the film, or to a frame",
        {
            302: Success(
                None, "To a fresh signed link, which takes Range.", {"Location": "the link"}
            )
        },
        (e.INVALID_REQUEST, e.NOT_FOUND, e.NOT_READY, e.GONE, e.SIGNING_UNAVAILABLE),
        (query("variant", "Which file.", **ANY_RESULT, default="video"),),
    ),
    ("POST", "/v1/videos/{id}/cancel"): Operation(
        "cancelVideo",
        "Cancel what waits here, or is PENDING upstream",
        {200: Success(shapes.VideoShape, "Cancelled.")},
        (*LIVE, e.UPSTREAM_UNAVAILABLE, e.UPSTREAM_AUTH, e.UPSTREAM_FAILED),
    ),
    ("POST", "/v1/videos/{id}/retry"): Operation(
        "retryVideo",
        "Make a new job from one that failed, expired or was cancelled",
        {202: Success(shapes.VideoShape, "The new job; asked again, still the same one.", MADE)},
        (*CREATE, e.NOT_FOUND),
        (KEY,),
        "The request and the frames are the old job's.",
        {"application/json": "Retry"},
        body_required=False,
    ),
    ("GET", "/v1/videos/{id}/webhook-deliveries"): Operation(
        "listWebhookDeliveries",
        "What became of a job's webhook",
        {200: Success(shapes.DeliveryListShape, "Every try, oldest first.")},
        (e.NOT_FOUND, e.CONFLICT),
    ),
    ("POST", "/v1/videos/{id}/webhook-deliveries"): Operation(
        "redeliverWebhook",
        "Deliver a job's webhook again",
        {
            202: Success(
                shapes.DeliveryListShape, "It goes out with the next tick, under the same id."
            )
        },
        (e.NOT_FOUND, e.CONFLICT, e.NOT_READY, e.INVALID_REQUEST),
    ),
    ("POST", "/v1/uploads"): Operation(
        "createUpload",
        "A place for a frame that is too big for a request",
        {201: Success(shapes.UploadShape, "Where to PUT the file, and what to call it then.")},
        (*BODY, e.RATE_LIMITED, e.SIGNING_UNAVAILABLE),
        (),
        "",
        {"application/json": "UploadOrder"},
    ),
    ("GET", "/v1/models"): Operation(
        "listModels",
        "Models, limits and prices of the configured regions",
        {200: Success(shapes.ModelListShape, "All of them.")},
    ),
    ("GET", "/health"): Operation(
        "health", "Whether the process answers", {200: Success(shapes.HealthShape, "It does.")}
    ),
    ("GET", "/ready"): Operation(
        "ready",
        "Whether the bucket answers and links are signed",
        {200: Success(shapes.HealthShape, "It does, and they are.")},
        (e.SIGNING_UNAVAILABLE,),
    ),
    ("GET", "/openapi.json"): Operation(
        "contract",
        "This contract",
        {
            200: Success(None, "OpenAPI 3.1.", {"ETag": "of this text"}, "application/json"),
            304: Success(None, "It has not changed."),
        },
    ),
    ("GET", "/docs"): Operation(
        "docs",
        "The contract for people",
        {200: Success(None, "A page.", {}, "text/html"), 304: Success(None, "It has not changed.")},
    ),
}
