"""Reusable checks: one call proves what every part of a kind has in common."""
