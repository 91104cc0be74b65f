"""Invented returns with known faults, checked."""

from pathlib import Path

import pytest

from orchestration.check.find import check_files
from orchestration.check.report import CheckReport
from orchestration.settings import Settings
from tests.invented_return import Record, ada, header, people, xml_text

# What no report may hold unless it was asked for; each is in the files below.
SENTINELS = (
    "zzlovelace", "adaxia", "zzturing", "alanoid", "zzhopper", "graceling", "e372400021001", "1000102504", "2014-08-31",
    "zz1 1aa", "zztherapy", "zzsoon",
)  # fmt: skip


def undated_ada() -> Record:
    """A request whose day cannot be read, so that it and the eight records within it are set aside."""
    girl = ada()
    girl.within[0].fields["ReceivedDate"] = "Zzsoon"
    return girl


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """XML with errors, queries and rows set aside."""
    path = tmp_path_factory.mktemp("delivered") / "return.xml"
    path.write_text(xml_text(header(), [undated_ada(), *people(), *people()]))
    return path


def _checked(path: Path, *, show_identifiers: bool) -> CheckReport:
    nowhere = path.parent / "nowhere"
    return check_files(Settings(store=nowhere, key_file=nowhere), [path], show_identifiers=show_identifiers)


@pytest.fixture(scope="session")
def report(faulty: Path) -> CheckReport:
    """What is found in it."""
    return _checked(faulty, show_identifiers=False)


@pytest.fixture(scope="session")
def naming_report(faulty: Path) -> CheckReport:
    """The same with the names of the people."""
    return _checked(faulty, show_identifiers=True)
