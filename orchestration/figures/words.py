"""Numbers, differences and ranks as a councillor reads them. Rounding is the last step: half up, by unit."""

from decimal import ROUND_HALF_UP, Decimal

MINUS = "\u2212"
_PLACES = {"percent": 1, "percentage_points": 1, "weeks": 1, "ratio": 2, "gbp": 0}
RATES = {"percent", "percentage_points", "ratio", "weeks"}
"""Units in which areas of different size can be set beside each other."""
_ABBREVIATIONS = {"NHS", "CIC", "ICB", "UK", "LLP", "II"}
_SMALL_WORDS = {"and", "of", "the", "for", "in", "with", "on", "upon", "at", "by", "to"}
SYMBOLS = {
    "c": "Withheld, so that no child can be found or worked out from small numbers.",
    "x": "Not available: nobody has published or told the figure, or it is known to be wrong.",
    "z": "Not applicable.",
    "low": "So small that it would be rounded to nought.",
    "u": "Beside a number: an estimate, or a figure that later returns can still change.",
}
"""What a marker in square brackets means."""


def rounded(number: Decimal, unit: str) -> Decimal:
    """To the decimals of its unit; whole counts stay whole, others (part-time places) keep one decimal."""
    places = _PLACES.get(unit, 0 if number == number.to_integral_value() else 1)
    return number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def amount(number: Decimal, unit: str) -> str:
    """A value with its unit: 4,062; 79.4%; +3.2 percentage points; 12.0 weeks; 25.29 (ratio); -£535,347 with a true minus."""
    shown = rounded(number, unit)
    digits = f"{abs(shown):,}"
    sign = MINUS if shown < 0 else "+" if unit == "percentage_points" and shown > 0 else ""
    match unit:
        case "percent":
            return f"{sign}{digits}%"
        case "percentage_points":
            return f"{sign}{digits} percentage points"
        case "weeks":
            return f"{sign}{digits} weeks"
        case "gbp":
            return f"{sign}£{digits}"
        case _:
            return f"{sign}{digits}"


def marked(number: Decimal | None, unit: str, *, symbol: str | None, label: str | None) -> str:
    """A cell of a table: the number with its marker, the marker alone, or an open band in words."""
    if number is not None:
        return amount(number, unit) + (f" [{symbol}]" if symbol else "")
    if label and label.startswith(">"):
        return label.replace(">", "more than ", 1)
    return f"[{symbol or 'x'}]"


def size(difference: Decimal, unit: str) -> str:
    """How large a difference is, without its sign: percentages differ in percentage points."""
    return amount(abs(difference), unit).lstrip("+") if unit != "percent" else points(difference)


def points(difference: Decimal) -> str:
    """A difference of percentages, without its sign."""
    return f"{rounded(abs(difference), 'percent')} percentage points"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def rank(place: int, of: int, polarity: str) -> str:
    """A rank among similar councils as the KPI tables give it: 1 for the lowest where lower is better, else for the highest."""
    end = "highest" if polarity == "neutral" else "best"
    return f"{end if place == 1 else f'{ordinal(place)} {end}'} of {of} similar councils, itself included"


def better(polarity: str, *, by_size: bool | None) -> str:
    """Which direction is better, as a sentence."""
    if by_size:
        return "Nearer to nought is better."
    return {"higher": "Higher is better.", "lower": "Lower is better."}.get(
        polarity, "Neither higher nor lower is better in itself."
    )


def verdict(new: Decimal, old: Decimal, polarity: str, *, by_size: bool | None) -> str:
    """better or worse; empty where neither direction is, or nothing changed.

    Args:
        new: the later number.
        old: the earlier one.
        polarity: higher, lower or neutral: which is better.
        by_size: whether the KPI is best near nought; None where the release does not say: then nothing is said of numbers below it.
    """
    if by_size is None and min(new, old) < 0:
        return ""
    new, old = (abs(new), abs(old)) if by_size else (new, old)
    if new == old or polarity == "neutral":
        return ""
    return "better" if (new > old) == (polarity == "higher") else "worse"


def proper(name: str) -> str:
    """A name as people write it, where a register has it in capitals throughout: ST GEORGE'S NHS TRUST becomes St George's NHS Trust."""
    if not name.isupper():
        return name
    said = [
        word
        if word.strip("()") in _ABBREVIATIONS
        else word.lower()
        if place and word.lower() in _SMALL_WORDS
        else "-".join(part.capitalize() if part[:1] != "(" else f"({part[1:].capitalize()}" for part in word.split("-"))
        for place, word in enumerate(name.split())
    ]
    return " ".join(said)


def listed(texts: list[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))
