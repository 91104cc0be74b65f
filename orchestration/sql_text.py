"""Names and texts written into SQL where a prepared parameter is not allowed."""


def quoted(*names: str) -> str:
    """A possibly qualified identifier: `quoted("kpi", "kpi_value")` is `"kpi"."kpi_value"`."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def literal(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"
