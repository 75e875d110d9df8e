"""One line of a CFONB 120 statement, cut at its columns: amounts, account, fields. No statement around it."""

from dataclasses import dataclass
from typing import Final

from payouts.bank.money import decimals_of
from payouts.bank.refused import FileRefusal, FileRefused

LINE_CHARACTERS: Final = 120

# The last figure of an amount carries its sign ("overpunch"). In files that went through the French ASCII
# of ISO 646-FR the two braces come out as é and è.
_LAST_FIGURE: Final = {
    **{letter: (1, figure) for figure, letter in enumerate("{ABCDEFGHI")},
    **{letter: (-1, figure) for figure, letter in enumerate("}JKLMNOPQR")},
    "é": (1, 0),
    "è": (-1, 0),
}
_LETTER_VALUE: Final = {
    letter: str(value)
    for letters, start in (("ABCDEFGHI", 1), ("JKLMNOPQR", 1), ("STUVWXYZ", 2))
    for value, letter in enumerate(letters, start)
}


@dataclass(frozen=True, slots=True)
class Line:
    """Columns are counted from 1, as the standard counts them, both ends included."""

    number: int
    text: str

    @property
    def kind(self) -> str:
        return self.text[:2]

    def at(self, first: int, last: int) -> str:
        return self.text[first - 1 : last].strip()

    @property
    def rib(self) -> tuple[str, str, str]:
        """Bank, branch, account number."""
        return self.at(3, 7), self.at(12, 16), self.at(22, 32)

    @property
    def currency(self) -> str:
        return self.at(17, 19) or "EUR"

    def refused(self, what: str, refusal: FileRefusal = FileRefusal.STRUCTURE) -> FileRefused:
        return FileRefused(refusal, f"line {self.number} ({self.kind}): {what}")

    def cents(self) -> int:
        """The amount in columns 91 to 104, in minor units of the currency."""
        written = self.text[90:104]
        figures, last = written[:-1], written[-1:]
        if last not in _LAST_FIGURE or not (figures.isascii() and figures.isdigit()):
            raise self.refused(f"{written!r} is no amount: 13 figures and a letter are", FileRefusal.AMOUNT)
        sign, figure = _LAST_FIGURE[last]
        decimals = self.at(20, 20) or str(decimals_of(self.currency))
        if not (decimals.isascii() and decimals.isdigit()):
            raise self.refused(f"{decimals!r} is no number of decimals", FileRefusal.AMOUNT)
        surplus = int(decimals) - decimals_of(self.currency)
        units = int(figures) * 10 + figure
        if surplus > 0 and units % 10**surplus:
            raise self.refused(f"{written!r} has more decimals than {self.currency}", FileRefusal.AMOUNT)
        exact: int = units // 10**surplus if surplus > 0 else units * 10 ** abs(surplus)
        return sign * exact


def amount_text(cents: int) -> str:
    """An amount as CFONB writes it, for those who make such files."""
    sign = 1 if cents >= 0 else -1
    figures = f"{abs(cents):014}"
    letter = next(letter for letter, value in _LAST_FIGURE.items() if value == (sign, int(figures[-1])))
    return figures[:-1] + letter


def iban_of(rib: tuple[str, str, str]) -> str:
    """The IBAN of an account known by its RIB without key: accounts in CFONB files are French."""
    bank, branch, account = ("".join(_LETTER_VALUE.get(c, c) for c in part) for part in rib)
    key = 97 - (89 * int(bank) + 15 * int(branch) + 3 * int(account)) % 97
    bban = "".join(rib) + f"{key:02}"
    as_number = "".join(str(int(character, 36)) for character in bban + "FR00")
    return f"FR{98 - int(as_number) % 97:02}{bban}"
