"""Mutation testing: one-line changes of the code, each of which a test must notice.

mutants.yaml   the changes, by file: a name for the bug, the text before, the text after, the tests that notice it
mutant.py      the list, read and checked; a change applied to a text
__main__.py    ``make mutants``: apply each change to a copy of the repository and run its tests there
propose.py     candidates for the list, for a file: ``python -m tests.mutants.propose FILE TESTS …``
"""
