"""The local side: git, files, pointers, journal."""
