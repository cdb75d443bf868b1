"""Every kind of fault that the simulated worlds hold, by the name under which it is counted."""

from __future__ import annotations

PROCESS = (
    "kill_before",
    "kill_after",
    "freeze",
    "freeze_after",
    "freeze_before_create",
)
WAY = (
    "lose",
    "refuse",
    "throttle",
    "slow",
    "slower_than_patience",
    "late_create",
    "unreached",
    "nameless",
    "metadata_server",
    "signer",
)
ANSWER = (
    "body_cut",
    "body_shortened",
    "content_type",
    "header_garbled",
    "header_gone",
    "html",
    "retry_after",
    "status",
    "json_bound",
    "json_dropped",
    "json_empty",
    "json_garbled",
    "json_huge",
    "json_item_null",
    "json_missing",
    "json_negative",
    "json_null",
    "json_number_text",
    "json_off_by_one",
    "json_reordered",
    "json_repeated",
    "json_type",
    "json_zero",
)
WORLD = (
    "clock_edge",
    "clock_far",
    "list_lag",
    "list_lag_edge",
    "list_shifts",
    "list_slow",
    "small_pages",
    "write_rate",
    "poison",
    "newer_revision",
    "two_accounts",
    "two_regions",
    "delivery_inline",
    "delivery_link",
    "delivery_upload",
    "keyless_repeat",
    "answer_unheard",
)
KINDS = (*PROCESS, *WAY, *ANSWER, *WORLD)
