"""What the languages of expressions share before anything is compiled."""
