"""The types of JSON values: what they are, how files declare them, what guards leave of them, what fits what."""
