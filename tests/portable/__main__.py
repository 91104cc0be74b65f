"""`make portable`: the portable models on Spark beside DuckDB's. `python -m tests.portable [--store FOLDER] [--keep FOLDER]`."""

import argparse
import sys
import tempfile
from pathlib import Path

from orchestration.errors import CornerstoneError
from orchestration.settings import Settings
from tests.portable.portable import build_on_spark, compare, why_not


def main() -> int:
    """Exit 0: every table is equal; 1: one is not; 2: it could not be tried."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, help="the store to read; by default the one of the settings")
    parser.add_argument("--keep", type=Path, help="an empty folder to keep Spark's tables in; thrown away by default")
    asked = parser.parse_args()
    settings = Settings(store=asked.store) if asked.store else Settings()
    with tempfile.TemporaryDirectory(prefix="cornerstone-portable-") as own:
        work = asked.keep or Path(own)
        try:
            if reason := why_not():
                raise CornerstoneError(reason)
            if not settings.warehouse_path.is_file():
                raise CornerstoneError(
                    f"{settings.store} holds no warehouse to compare with: cornerstone run makes one"
                )
            print("building the portable models on Spark (some minutes) ...", file=sys.stderr, flush=True)
            seconds = build_on_spark(settings, work)
            tables = compare(settings, work)
        except CornerstoneError as error:
            print(error, file=sys.stderr)
            return 2
    for table in tables:
        verdict = "equal" if table.is_equal else f"{table.missing} rows only on DuckDB, {table.added} only on Spark"
        print(f"{table.table:<62} {table.rows:>9,}  {verdict}")
        if table.other_types:
            print(f"    other types: {'; '.join(table.other_types)}")
    unequal = sum(not table.is_equal for table in tables)
    rows = sum(table.rows for table in tables)
    print(
        f"{len(tables) - unequal} of {len(tables)} tables equal ({rows:,} rows); Spark took {seconds:.0f} s, its start included"
    )
    return 1 if unequal else 0


if __name__ == "__main__":
    sys.exit(main())
