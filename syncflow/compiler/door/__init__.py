"""Bytes of an event to what is known of it: decoded, in its envelope, checked against its schema."""
