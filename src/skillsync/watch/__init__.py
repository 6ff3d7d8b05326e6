"""The daemon: keeps files and remote together for months, by state and never by event (sync.md 11)."""
