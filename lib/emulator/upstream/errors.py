"""Refusals as DashScope answers them: flat JSON with code, message and request id.

Codes, statuses and the beginnings of messages are those of Alibaba Cloud Model Studio, "Error
codes". The upload host answers as Object Storage Service does, in XML.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class UpstreamError(Exception):
    """A refusal of the emulated service.

    Attributes:
        status: HTTP status.
        code: such as `InvalidParameter`.
        message: one sentence.
    """

    status: int
    code: str
    message: str


# Failures by name, for scenarios and faults: status, code, message.
NAMED: dict[str, tuple[int, str, str]] = {
    "moderation": (400, "DataInspectionFailed", "Output data may contain inappropriate content."),
    "moderation-input": (
        400,
        "DataInspectionFailed",
        "Input data may contain inappropriate content.",
    ),
    "infringement": (
        400,
        "IPInfringementSuspect",
        "Input data is suspected of being involved in IP infringement.",
    ),
    "arrears": (
        400,
        "Arrearage",
        "Access denied, please make sure your account is in good standing.",
    ),
    "key": (401, "InvalidApiKey", "Invalid API-key provided."),
    "quota": (
        403,
        "AllocationQuota.FreeTierOnly",
        "The free tier of the model has been exhausted.",
    ),
    "denied": (403, "Model.AccessDenied", "Model access denied."),
    "unpurchased": (403, "AccessDenied.Unpurchased", "Access to model denied."),
    "throttled": (429, "Throttling", "Requests throttling triggered."),
    "rate": (
        429,
        "Throttling.RateQuota",
        "Requests rate limit exceeded, please try again later.",
    ),
    "burst": (429, "Throttling.BurstRate", "Request rate increased too quickly."),
    "allocation": (
        429,
        "Throttling.AllocationQuota",
        "Allocated quota exceeded, please increase your quota limit.",
    ),
    "overdue": (429, "PostpaidBillOverdue", "The bill of the account is overdue."),
    "internal": (
        500,
        "InternalError",
        "An internal error has occured, please try again later or contact service support.",
    ),
    "algorithm": (500, "InternalError.Algo", "inference internal error"),
    "timeout": (500, "InternalError.Timeout", "An internal timeout error has occured."),
    "rewrite": (500, "RewriteFailed", "The prompt could not be rewritten."),
    "unavailable": (503, "ModelUnavailable", "Model is unavailable, please try again later."),
    "serving": (503, "ModelServingError", "Too many requests."),
}


def named(name: str) -> UpstreamError:
    """A failure by its name.

    Raises:
        KeyError: no such name.
    """
    return UpstreamError(*NAMED[name])


def invalid(message: str) -> UpstreamError:
    """400 `InvalidParameter`."""
    return UpstreamError(400, "InvalidParameter", message)


def missing(name: str) -> UpstreamError:
    """400 for a required parameter that is not there or not usable."""
    return invalid(
        f"Required parameter({name}) missing or invalid, please check the request parameters."
    )


def inaccessible() -> UpstreamError:
    """400 for an `oss://` name that this request may not or cannot read."""
    return UpstreamError(
        400,
        "InvalidParameter.DataInspection",
        "Unable to download the media resource during the data inspection process.",
    )
