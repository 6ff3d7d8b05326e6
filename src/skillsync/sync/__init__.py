"""Where the sides meet: fetch, plan, safety, apply, report."""
