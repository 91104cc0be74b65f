"""The landing rules that judge therapy waiting lists."""

import pytest

from expectations.catalogue import Catalogue, Rule


@pytest.fixture(scope="session")
def therapy_rules(catalogue: Catalogue) -> dict[str, Rule]:
    """The landing rules of the return that a query checks, by id."""
    return {rule.rule_id: rule for rule in catalogue.for_landing("therapy_waiting_list")}
