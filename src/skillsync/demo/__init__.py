"""The demo: a server, a repository and two people, told with real commands."""
