"""A mapping to the function that makes its payload, and the check of what inference could not prove."""
