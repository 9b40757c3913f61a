"""Granules with known truth, and what else a test of a pipeline needs."""
