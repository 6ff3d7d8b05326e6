"""Renderings of a review: each a pure function of it, every foreign text escaped for where it goes."""
