"""The Django application that holds the server's tables."""

from __future__ import annotations

from django.apps import AppConfig


class ServerConfig(AppConfig):
    """Names the application once, for settings and migrations."""

    name = "skillsync.server"
    label = "skillsync_server"
    verbose_name = "skillsync server"

    def ready(self) -> None:
        """Register the lookup that searching uses."""
        from skillsync.server import search  # noqa: F401  # its import registers the lookup
