"""What other rooms call to print: the facts to hand over, the two files to get. Nothing is drawn here."""

from programmes.print.booklet_pdf import BOOKLETS_PER_FILE_MAX, write_booklets_pdf, write_practice_pdf
from programmes.print.printed import PrintedBooklet, PrintedPass, PrintRun
from programmes.print.printer_csv import write_practice_csv, write_printer_csv

__all__ = [
    "BOOKLETS_PER_FILE_MAX",
    "PrintRun",
    "PrintedBooklet",
    "PrintedPass",
    "write_booklets_pdf",
    "write_practice_csv",
    "write_practice_pdf",
    "write_printer_csv",
]
