"""The one path of the admin page, where it is switched on."""

from __future__ import annotations

from django.urls import path

from skillsync.server.admin_site import site

urlpatterns = [path("admin/", site.urls)]
