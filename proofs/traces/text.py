"""Makes text of a file printable on one line of a terminal."""

LONGEST = 300


def printable(text: str) -> str:
    """The text with unprintable parts (line ends, control characters, undecodable bytes of a path) escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def one_line(text: str) -> str:
    """The printable text, cut if it is long."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}... ({len(text):,} characters)"
    return printable(text)
