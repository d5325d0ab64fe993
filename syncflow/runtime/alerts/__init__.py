"""Alerts: who is told when something is wrong, and when it is over.

causes    what is wrong now, read off the counts of a run and what its journal holds; pure
told      what was told to one receiver, so that each cause is told once in a while, and its end once; pure
messages  an alert → the body of a request; pure
standing  how alerts stand, as values
keeping   the same in the journal
watching  looks every few seconds, and posts; whatever fails there costs an alert, never the run
"""
