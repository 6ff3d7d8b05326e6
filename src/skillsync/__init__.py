"""Git for what an AI agent knows: skills and datasets, synced both ways without losing an edit."""

__version__ = "0.1.0"
