"""The floors see every field, so that they are floors of the same bytes."""

import gzip
from pathlib import Path

import duckdb

from orchestration.bench.floors import (
    Counted,
    copy_csv,
    pandas_csv,
    pandas_parquet,
    read_all,
    scan_parquet,
    scan_tables,
    walk,
)

CSV = "a,b\n1,2\n3,\n5,6\n"


def test_the_walk_sees_every_leaf(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text("<m><h><y>2026</y></h><p><a>1</a><b><c/><c>2</c></b></p><p><a/></p></m>")
    assert walk(path) == Counted(0, 5)


def test_csv_is_read_cell_by_cell_packed_or_not(tmp_path: Path) -> None:
    plain, packed = tmp_path / "three.csv", tmp_path / "three.csv.gz"
    plain.write_text(CSV)
    packed.write_bytes(gzip.compress(CSV.encode()))
    target = tmp_path / "three.parquet"
    for path in (plain, packed):
        assert copy_csv(path, target) == pandas_csv(path) == Counted(3, 6)
    assert scan_parquet(target).fields == pandas_parquet(target).fields == 6


def test_tables_of_the_schemas_asked_for_are_read(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create schema kpi; create table kpi.one as select * from range(5) as n (i), (values (1)) as m (j)"
        )
        connection.execute("create table main.other as select 1 as i")
    found = scan_tables(path, ("kpi",))
    assert (found.rows, found.fields) == (5, 10)
    assert found.bytes >= 5 * 12


def test_what_was_read_is_added_up(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one.csv", "two.csv")]
    for path in paths:
        path.write_text(CSV)
    floor = read_all("both", paths, pandas_csv, turns=2)
    assert (floor.files, floor.rows, floor.fields, floor.bytes) == (2, 6, 12, 2 * len(CSV))
    assert floor.usage.seconds > 0
