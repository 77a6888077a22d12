"""Text of a file, made fit for one line of a terminal."""

LONGEST = 300


def printable(text: str) -> str:
    """What a terminal cannot print (line ends, control characters, undecodable bytes of a path) is escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def one_line(text: str) -> str:
    """The same, and long text is cut."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}... ({len(text):,} characters)"
    return printable(text)
