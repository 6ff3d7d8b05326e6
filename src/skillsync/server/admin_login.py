"""Logins for the admin page; they are apart from the people whose keys reach the API."""

from __future__ import annotations

from skillsync.server.database import pointed_at


def set_login(name: str, password: str) -> None:
    """Make the login, or give it another password. ValueError for a name or password that will not do.

    Needs a process that was started with the admin page.
    """
    from django.contrib.auth.models import User
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    pointed_at()
    try:
        validate_password(password)
        user = User.objects.filter(username=name).first() or User(username=name)
        user.is_staff = user.is_superuser = user.is_active = True
        user.set_password(password)
        user.full_clean()
        user.save()
    except ValidationError as error:
        raise ValueError(" ".join(error.messages)) from error
