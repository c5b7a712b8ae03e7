"""Numbers as invented names carry them: digit by digit in Chinese."""

_DIGITS = "〇一二三四五六七八九"


def in_chinese(number: int, *, width: int = 1) -> str:
    """Digit by digit: 103 is 一〇三; padded with 〇 to a width."""
    return "".join(_DIGITS[int(digit)] for digit in f"{number:0{width}d}")
