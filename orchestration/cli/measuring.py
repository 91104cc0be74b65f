"""How fast it is: bench."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.console import AsJson, out, print_json
from orchestration.cli.tree import app
from orchestration.errors import CornerstoneError
from orchestration.settings import load_settings


@app.command()
def bench(
    scale: Annotated[
        list[float] | None,
        typer.Option(
            help="Size of the invented borough beside the authority's own, 1 at most; repeatable. By default 0.02 and 1."
        ),
    ] = None,
    authorities: Annotated[
        list[int] | None,
        typer.Option(
            help="How growth is seen: so many authorities, each with a spring census as COLLECT CSV and its plans; repeatable."
            " 15 are as many as Yorkshire and The Humber has."
        ),
    ] = None,
    england: Annotated[
        bool,
        typer.Option("--england", help="All 153 authorities: nine million pupils. Hours, and some 25 GB of disk."),
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only 0.02 times the size: what the tools cost by themselves.")
    ] = False,
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Folder for JSON, history and pictures; store/bench when left out.")
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder on the disk to measure on; that for temporary files when left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure every stage by time, processor time and memory, beside the quickest reading of the same bytes.

    Invents boroughs, which is not measured, and carries each to a release in a folder of its own; the store at hand is not touched.
    Linux only. On a machine that does other work compare ratios and processor time, not seconds.
    """
    from orchestration.bench.bench import SMALL, run_bench
    from orchestration.bench.report import as_json as told
    from orchestration.bench.report import keep, tables_of
    from orchestration.synthetic.authorities import AUTHORITIES

    if quick and (scale or authorities or england):
        raise CornerstoneError("--quick is a size by itself; leave it out, or the other sizes.")
    counts = sorted({*(authorities or []), *([len(AUTHORITIES)] if england else [])})
    if counts and not 1 <= counts[0] <= counts[-1] <= len(AUTHORITIES):
        raise CornerstoneError(f"--authorities go from 1 to {len(AUTHORITIES)}, all of England.")
    scales = [SMALL] if quick else sorted(set(scale or ([] if counts else [SMALL, 1.0])))
    if scales and not 0 < scales[0] <= scales[-1] <= 1:
        raise CornerstoneError(
            "A --scale must be above nought and 1 at most, the authority's own size: above that schools would grow and not"
            " become more. --authorities measures several authorities."
        )
    if work is not None and not work.is_dir():
        raise CornerstoneError(f"There is no folder {work}; make it, or choose another for --work.")
    settings = load_settings()
    with tempfile.TemporaryDirectory(prefix="cornerstone-bench-", dir=work) as folder:
        for measured in run_bench(settings, scales, counts, Path(folder)):
            written = keep(measured, out_dir or settings.store / "bench")
    if as_json:
        print_json(told(measured))
        return
    for table in tables_of(measured):
        out.print(table)
    for path in written:
        out.print(f"written to {path}", soft_wrap=True)
