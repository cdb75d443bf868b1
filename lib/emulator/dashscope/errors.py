"""How DashScope says no: flat JSON with code, message and request id.

Codes, statuses and the beginnings of messages are those of Alibaba Cloud Model Studio, "Error
codes".
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
    "moderation-input": (
        400,
        "DataInspectionFailed",
        "Input data may contain inappropriate content.",
    ),
    "moderation": (400, "DataInspectionFailed", "Output data may contain inappropriate content."),
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
    "quota": (
        403,
        "AllocationQuota.FreeTierOnly",
        "The free tier of the model has been exhausted.",
    ),
    "throttled": (429, "Throttling", "Requests throttling triggered."),
    "rate": (
        429,
        "Throttling.RateQuota",
        "Requests rate limit exceeded, please try again later.",
    ),
    "key": (401, "InvalidApiKey", "Invalid API-key provided."),
    "timeout": (500, "InternalError.Timeout", "An internal timeout error has occured."),
    "internal": (
        500,
        "InternalError",
        "An internal error has occured, please try again later or contact service support.",
    ),
    "unavailable": (503, "ModelUnavailable", "Model is unavailable, please try again later."),
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
