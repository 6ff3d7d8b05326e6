"""The rules of a review, a module for each group: P T H X S O L R D G (review.md 5.5)."""
