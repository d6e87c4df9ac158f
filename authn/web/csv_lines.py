"""Lines of a CSV file (RFC 4180) that no spreadsheet takes for formulas.

https://owasp.org/www-community/attacks/CSV_Injection: a cell that begins with one of a few signs is
computed when the file is opened; a device's name, or an application's, may begin with one.
"""

import csv
import io
from collections.abc import Iterable
from typing import Final

# Their full-width forms too, which a spreadsheet in some languages takes for the same.
_COMPUTED: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"
BEGINNING: Final = b"\xef\xbb\xbf"
"""Excel takes what does not begin with a byte order mark for another encoding."""


def csv_line(cells: Iterable[str]) -> bytes:
    """The cells as one line of the file."""
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([csv_cell(each) for each in cells])
    return written.getvalue().encode()


def csv_cell(text: str) -> str:
    """The text as one line that nothing computes: an apostrophe goes before what would be."""
    line = " ".join(text.split())
    return f"'{line}" if line.startswith(_COMPUTED) else line
