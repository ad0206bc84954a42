"""Fix pull requests: whether one can be opened, opening it step by step, and following what becomes of it."""

from __future__ import annotations

from remediation.pull_requests.following import check_with_host, follow
from remediation.pull_requests.opening import open_on_host, refuse
from remediation.pull_requests.requesting import NotPossible, Standing, request, standing_of

__all__ = ["NotPossible", "Standing", "check_with_host", "follow", "open_on_host", "refuse", "request", "standing_of"]
