"""A store in which a few invented people landed, over three days; it has released nothing."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from expectations.catalogue import load_catalogue
from orchestration.linkage.child_key import link_children
from orchestration.returns.land import land_return
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.conftest import made_once
from tests.invented_return import ada, header, people, write_collect_export, xml_text
from tests.invented_therapy import delivery, write_set

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def settings_in(folder: Path) -> Settings:
    """Settings of the store in a folder."""
    return Settings(store=folder / "store", raw=folder / "raw", key_file=folder / "configuration" / "secret.key")


def land_three_days(folder: Path) -> None:
    """A return; its resubmission and a waiting list; a file that is refused and a set that waits for its last file."""
    settings = settings_in(folder)
    prepare_store(settings)
    catalogue = load_catalogue(settings.rules_dir)
    plans, therapy = settings.inbox_dir / "sen2", settings.inbox_dir / "therapy_waiting_list"

    def land(day: int) -> None:
        for number, return_id in enumerate(("sen2", "therapy_waiting_list")):
            land_return(settings, return_id, catalogue, now=NOON + timedelta(days=day, seconds=number))

    (plans / "first.xml").write_text(xml_text(header(2025), people()))
    land(0)
    (plans / "second.xml").write_text(xml_text(header(2025, serial="2"), [*people(), ada(UPN="Zz")]))
    write_set(therapy, delivery())
    land(1)
    (plans / "broken.xml").write_text("<Message>")
    write_collect_export(plans, header(2026), people(), date="13-02-2026")[-1].unlink()
    land(2)
    link_children(settings)


def copy_of_landed(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Settings:
    """A copy of such a store, made once for all tests."""
    shutil.copytree(made_once(tmp_path_factory, "landed-three-days", land_three_days), folder)
    return settings_in(folder)
