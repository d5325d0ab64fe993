"""How the rows of a CSV are written: shared by the sources that read some."""

from typing import Literal

from syncflow.config.models.base import Model
from syncflow.config.scalars import Text


class RowSettings(Model):
    """How the rows of a CSV are written."""

    delimiter: Literal[",", ";", "|", "tab"] | None = None
    """Between the cells; left out: found from the first row."""
    quote: Literal['"', "'", "none"] = '"'
    """Around cells that hold the delimiter or a line break; none: quotes are text."""
    escape: Literal["\\"] | None = None
    """Before a quote, a delimiter or itself, so that it is text (MySQL, Spark, Hive); left out: a quote in a cell is doubled."""
    encoding: Literal["utf-8", "utf-16", "windows-1252", "latin-1"] | None = None
    """How its characters are written, of JSON lines too; left out: found from the bytes."""
    columns: tuple[Text, ...] = ()
    """The names of the columns, for a file whose first row is no header."""
    missing_columns: Literal["error", "null"] = "error"
    """A column that an expression reads and the header lacks is an error, or null in each row."""
    null_text: Text | tuple[Text, ...] = ("\\N",)
    """Cells of this text are null, quoted or not; empty cells are anyway, unless they are quoted."""
    decimal: Literal[".", ","] | None = None
    """Before the fraction of a number; the other one may stand between groups of three. Left out: the point, and no groups."""
    separator: Text = ";"
    """Between the elements of an array in one cell."""
