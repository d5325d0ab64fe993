"""Deliveries to outcomes: lanes, batches, limits, retries, settlement."""
