"""How programs write values as text, each form defined once: the door, the cells of a CSV and the functions read the same ones."""
