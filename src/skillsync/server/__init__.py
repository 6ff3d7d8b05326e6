"""The embedded server: the same API over SQLite or PostgreSQL. Shares no code with the client."""
