"""What sqlfluff takes for dbt's `adapter` when it renders macros without dbt: the words of DuckDB, in which models are linted."""

from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def dispatch(context: Context, name: str) -> Any:
    """The macro of that name for the engine that has none of its own."""
    return context.resolve(f"default__{name}")
