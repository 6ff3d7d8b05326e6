"""The remote side: the HTTP client."""
