"""An aligned table on the terminal: one line for each row, in colour if somebody is looking."""
import sys
import unicodedata

MARKS = {True: ("ok", "32"), False: ("FAILED", "31"), None: ("-", "2")}


def width(text):
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


class Table:
    def __init__(self, names, out=sys.stdout):
        self.first = max(map(width, names)) + 2
        self.out = out

    def head(self):
        self.line("what", "IPv4", "IPv6", "detail")

    def line(self, name, v4, v6, detail):
        print(name + " " * (self.first - width(name)) + f"{v4:<8}{v6:<8}{detail}", file=self.out, flush=True)

    def result(self, name, v4, v6, detail):
        """True, False, or None for a family that the row does not have."""
        self.line(name, self.mark(v4), self.mark(v6), detail)

    def mark(self, passed):
        text, colour = MARKS[passed]
        return f"\033[{colour}m{text:<8}\033[0m" if self.out.isatty() else f"{text:<8}"
