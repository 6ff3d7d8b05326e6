"""What waitress refuses before the application sees it, told in the platform's envelope (platform.md 5)."""

from __future__ import annotations

import json
from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask


class Refusal(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """Answers a request that is too large or no HTTP, or whose application failed; then closes."""

    def execute(self) -> None:
        """Send the answer."""
        error: Any = self.request.error
        data = json.dumps(_body(error.code)).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(data)
        self.write(data)


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection whose refusals are those of the API."""

    error_task_class = Refusal


def _body(status: int) -> dict[str, object]:
    # Not before Django has its settings, and this module is imported before.
    from skillsync.server.exceptions import RequestTooLarge, envelope

    if status == RequestTooLarge.status_code:
        told = RequestTooLarge
        return envelope(told.default_type, told.default_code, told.default_detail)
    if status >= 500:
        return envelope("server_error", "error", "A server error occurred.")
    return envelope("invalid_request", "error", "Bad request.")
