"""How a school is named to a person: by its name, with the numbers it goes by."""


def said_school(name: str | None, la_estab: str | None, urn: str | None) -> str:
    """Invented Primary (LAEstab 3724001, URN 900001); a number that is not known is left out, and so is a name."""
    numbers = ", ".join(
        f"{kind} {number}" for kind, number in (("LAEstab", la_estab), ("URN", urn)) if number is not None
    )
    if name is None:
        return numbers or "no school known"
    return f"{name} ({numbers})" if numbers else name
