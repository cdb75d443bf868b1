"""Spans of time that more than one module counts with, seconds."""

from __future__ import annotations

DAY_S = 24 * 3600
