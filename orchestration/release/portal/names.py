"""Gates and returns as pages call them."""

from expectations.catalogue import EVERY_RETURN
from orchestration.returns.spec import load_spec, return_ids

_GATES = {
    "landing": "Landing",
    "mart": "Gate of the marts",
    "kpi": "Gate of the KPI tables",
    "open": "Gate of the open tables",
}
# What rules are about that are about no return alone.
_NO_RETURN = {EVERY_RETURN: "Every return", "kpi": "KPI tables", "disclosure": "Small numbers"}


def said_gate(gate: str) -> str:
    """A gate as a page calls it."""
    return _GATES[gate]


def said_return(return_id: str) -> str:
    """A return by its title, with a capital; what is not a return by what it is about."""
    if return_id in return_ids():
        title = load_spec(return_id).title
        return title[0].upper() + title[1:]
    return _NO_RETURN.get(return_id, return_id)
