"""Abbreviations that a text uses, and whether the glossary explains them."""

import re
from collections.abc import Iterable, Mapping

ABBREVIATION = re.compile(r"\b[A-Z][A-Za-z]*[A-Z]\d*(?=s?\b)|\b[a-z]\d{3}\b")
# Words in capitals that are codes of a return, written out beside their meaning.
CODES = {"MAINSTREAM", "SPECIAL", "UNKNOWN"}
HEADINGS = re.compile(r"<(h\d|th|dt|caption|figcaption|summary)\b[^>]*>(.*?)</\1>", re.DOTALL)


def unexplained(texts: Mapping[str, str | None], terms: Iterable[str]) -> dict[str, str]:
    """Each abbreviation without an entry among `terms`, and the first place (key of `texts`) that uses it."""
    explained = {*terms, *CODES}
    found: dict[str, str] = {}
    for place, text in texts.items():
        for abbreviation in ABBREVIATION.findall(text or ""):
            if abbreviation not in explained:
                found.setdefault(abbreviation, place)
    return found


def headings(page: str) -> dict[str, str]:
    """The headings, table heads and captions of a page, or of its template with what the template fills in left out."""
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", page, flags=re.DOTALL)
    return {
        f"heading {number}: {inner[:40]}": re.sub(r"<[^>]+>", " ", inner)
        for number, (_, inner) in enumerate(HEADINGS.findall(text))
    }
