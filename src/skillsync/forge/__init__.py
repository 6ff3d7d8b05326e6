"""Forges: the one comment of a review, on GitHub and GitLab."""
