"""Forges: the one comment of a review, its check, labels, and pull requests of ours, on GitHub and GitLab."""
