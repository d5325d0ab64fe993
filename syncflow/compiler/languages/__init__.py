"""The two languages of expressions behind one small interface. Their libraries do not leave this folder."""
