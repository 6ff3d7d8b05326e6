"""Pull-request review: what merging a range of commits does to the live store, before it does it (review.md)."""
