"""Lets ``python -m skillsync`` do what the console script does."""

from skillsync.cli.main import main

if __name__ == "__main__":
    main()
