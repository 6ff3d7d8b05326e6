"""Django's admin page over the server's tables: people and projects may be changed, content only be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin

from skillsync.server import models

if TYPE_CHECKING:
    from django.http import HttpRequest

    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

site = admin.AdminSite(name="skillsync")
site.site_header = site.site_title = "skillsync server"
site.site_url = None


class LookedAt(ModelAdmin):
    """Nothing is added, changed or deleted: a version never changes, and the API keeps the rules."""

    def has_add_permission(self, request: HttpRequest, *_: object) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Never."""
        return False


class Changed(LookedAt):
    """Existing rows may be changed."""

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Whoever is logged in is an administrator."""
        return True


@admin.register(models.Project, site=site)
class Projects(Changed):
    """Projects."""

    list_display = ("id", "name", "organization_id", "created_at")
    fields = ("name",)


@admin.register(models.User, site=site)
class People(Changed):
    """People; one who is not active has no valid key."""

    list_display = ("id", "email", "first_name", "last_name", "is_active")
    fields = ("first_name", "last_name", "is_active", "projects")


@admin.register(models.ApiKey, site=site)
class Keys(Changed):
    """Keys without their values; setting the time of revocation ends one."""

    list_display = ("id", "label", "mask_value", "user_id", "last_used_at", "revoked_at")
    fields = ("label", "mask_value", "scopes", "revoked_at")
    readonly_fields = ("label", "mask_value", "scopes")


@admin.register(models.Skill, site=site)
class Skills(LookedAt):
    """Version rows of skills."""

    list_display = ("name", "version", "is_latest", "deleted", "created_at")
    search_fields: ClassVar = ["name"]
    exclude = ("outline",)


@admin.register(models.Dataset, models.VersionedDataset, site=site)
class Datasets(LookedAt):
    """Datasets of either generation."""

    list_display = ("id", "name", "created_at")
