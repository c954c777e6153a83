"""A terminal in its plainest form: what xterm shows of the bytes that line editing writes, or the bare text."""

import io
import re
from unicodedata import east_asian_width

_UNFINISHED = re.compile(r"\x1b(\[[?\d;]*)?$")
_PART = re.compile(r"\x1b\[([?\d;]*)([@-~])|(.)", re.DOTALL)


class TerminalText(io.StringIO):
    """The text written to a terminal, as it was written."""

    def isatty(self) -> bool:
        return True


class Terminal:
    """Rows without an end, of so many columns. A wide character takes two, its second one is an empty string."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._rows: list[list[str]] = [[]]
        self.row = self.column = 0
        self._rest = ""

    @property
    def lines(self) -> list[str]:
        """Return the visible lines, without spaces at the ends."""
        return ["".join(row).rstrip() for row in self._rows]

    def feed(self, text: str) -> None:
        """Show what was written; a control that is cut off waits for its rest."""
        text = self._rest + text
        cut = _UNFINISHED.search(text)
        self._rest = text[cut.start() :] if cut else ""
        for number, final, character in _PART.findall(text.removesuffix(self._rest)):
            if final:
                self._control(int(number) if number.isdigit() else 0, final)
            else:
                self._show(character)

    def _show(self, character: str) -> None:
        match character:
            case "\r":
                self.column = 0
            case "\n":
                self._go_down()
            case "\b":
                self.column -= 1
            case "\x07":
                pass
            case _:
                assert character.isprintable(), ascii(character)
                self._put(character)

    def _put(self, character: str) -> None:
        cells = [character, *[""] * (east_asian_width(character) == "W")]
        if self.column + len(cells) > self._columns:  # not before there is another character: the wrap is pending
            self._go_down()
            self.column = 0
        row = self._rows[self.row]
        row += [" "] * (self.column - len(row))
        row[self.column : self.column + len(cells)] = cells
        self.column += len(cells)

    def _go_down(self) -> None:
        self.row += 1
        self._rows += [[] for _ in range(self.row + 1 - len(self._rows))]

    def _control(self, number: int, final: str) -> None:
        row, count = self._rows[self.row], max(1, number)
        match final:
            case "A":
                self.row -= count
            case "B":
                self.row += count
            case "C":
                self.column += count
            case "D":
                self.column -= count
            case "K":
                del row[self.column :]
            case "J":
                del row[self.column :], self._rows[self.row + 1 :]
            case "P":
                del row[self.column : self.column + count]
            case "@":
                row[self.column : self.column] = [" "] * count
            case "m" | "h" | "l":
                pass
            case _:
                raise AssertionError(f"unknown control {final}")
