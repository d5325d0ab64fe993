"""What the languages of expressions share, and Jinja's sandbox: it renders the templates that straight code is not written for."""
