"""Builds the portable models on Spark and writes each as Parquet. Run by the Python of `.venv-portable`, which holds dbt's
Spark adapter and Spark and nothing else of Cornerstone; `python -m tests.portable` starts it.

The session lives in this process: dbt-spark takes the one that is there. Its catalogue lives in memory and its tables in
the folder given, so that nothing is left anywhere else.
"""

import json
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner
from pyspark.sql import SparkSession

CORES, MEMORY = 2, "2g"


def build(project: Path, work: Path) -> None:
    """What was handed over becomes views, dbt does the rest by itself."""
    spark = (
        SparkSession.builder.master(f"local[{CORES}]")
        .appName("cornerstone")
        .config("spark.driver.memory", MEMORY)
        .config("spark.sql.shuffle.partitions", CORES)
        .config("spark.sql.catalogImplementation", "in-memory")
        .config("spark.sql.warehouse.dir", str(work / "spark"))
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    for table in sorted((work / "handed_over").glob("*/*.parquet")):
        spark.sql(f"create schema if not exists {table.parent.name}")
        spark.sql(f"create view {table.parent.name}.{table.stem} as select * from parquet.`{table}`")

    dbt = dbtRunner()
    places = ["--target", "spark", "--project-dir", str(project), "--profiles-dir", str(project)]
    places += ["--target-path", str(work / "target"), "--log-path", str(work / "logs")]
    for command in (
        ["run-operation", "declare_sources"],
        ["seed", "--select", "1+tag:portable,resource_type:seed"],
        ["run", "--select", "tag:portable"],
    ):
        done = dbt.invoke(["--no-use-colors", *command, *places])
        if not done.success:
            raise SystemExit(f"dbt {command[0]} did not succeed on Spark: {done.exception or 'see above'}")

    for name in json.loads((work / "portable.json").read_text()):
        spark.table(name).write.parquet(str(work / "tables" / name))
    spark.stop()


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
