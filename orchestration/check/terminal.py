"""The report on a terminal: the verdict first, then what to do and where. Names no child."""

from collections.abc import Iterable
from dataclasses import replace

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from orchestration.check.report import CheckedFile, CheckReport, FailedRule, Kind

PLACES_SHOWN = 5
_COLOURS = {"usable": "green", "refused": "red", "unreadable": "red"}
_HEADINGS: dict[Kind, tuple[str, str]] = {
    "error": ("Errors: to be corrected", "red"),
    "query": ("Queries: to be corrected or explained", "yellow"),
}


def printable(text: str) -> str:
    """Text from a file or its name, with nothing in it that a terminal would obey."""
    return escape("".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text))


def print_report(report: CheckReport, console: Console) -> None:
    """Print what was found, as wide as the console is."""
    for file in report.files:
        _print_file(file, console)
    for one in report.incomplete:
        console.print("[bold red]Incomplete set[/]: files of it are missing, so it was not checked.")
        _print_facts(
            console,
            [("given", ", ".join(map(printable, one.files))), ("missing", ", ".join(map(printable, one.missing)))],
        )
        console.print()
    for name in report.repeated:
        console.print(f"[yellow]Repeated[/]: {printable(name)} is the same as another file; checked once.")
    if any(len(rule.locations) > PLACES_SHOWN for file in report.files for rule in file.rules):
        console.print("Every place: add --format html --out FILE for a page to work from, or --format json.")


def _print_facts(console: Console, facts: Iterable[tuple[str, str]], indent: int = 2) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in facts:
        grid.add_row(name, text)
    console.print(Padding(grid, (0, 0, 0, indent), expand=False))


def _print_file(file: CheckedFile, console: Console) -> None:
    colour = _COLOURS[file.verdict]
    if file.verdict == "usable" and (file.rows_set_aside or file.rules_of("error")):
        colour = "yellow"
    console.print(f"[bold {colour}]{file.headline}[/]: [bold]{printable(file.name)}[/]")
    facts = [("what it is", printable(file.recognised_as)), ("verdict", printable(file.told))]
    if file.comparison:
        facts.append(("beside", printable(file.comparison)))
    _print_facts(console, facts)
    if file.tables:
        console.print(Padding(_modules(file), (1, 0, 0, 2), expand=False))
    for kind, (heading, colour) in _HEADINGS.items():
        rules = file.rules_of(kind)
        if not rules:
            continue
        console.print(f"\n[bold {colour}]{heading}[/]")
        for rule in rules:
            _print_rule(rule, file, console)
    for reason, rule_ids in file.not_judged_by_reason().items():
        console.print(f"\n[bold]Not judged[/]: {', '.join(rule_ids)}. {printable(reason)}")
    console.print()


def _modules(file: CheckedFile) -> Table:
    table = Table("module", "rows", "usable", "set aside", box=None, pad_edge=False, header_style="dim")
    for column in table.columns[1:]:
        column.justify = "right"
    for one in file.tables:
        aside = f"[red]{one.rows_set_aside:,}[/]" if one.rows_set_aside else "0"
        table.add_row(printable(one.module), f"{one.rows_read:,}", f"{one.rows_usable:,}", aside)
    return table


def _print_rule(rule: FailedRule, file: CheckedFile, console: Console) -> None:
    console.print(f"\n  [bold]{printable(rule.number)}[/]  {rule.failing:,} failing, {rule.consequence}")
    facts = [
        ("should be", printable(rule.label)),
        ("what to do", f"{printable(rule.action)} [dim]({printable(rule.owner)})[/]"),
    ]
    if rule.locations:
        facts.append(("where", printable(_where(rule, file))))
    _print_facts(console, facts, indent=4)


def _where(rule: FailedRule, file: CheckedFile) -> str:
    """The first places, under the name of their file and module where these differ."""
    groups: dict[str, list[str]] = {}
    shown = rule.locations[:PLACES_SHOWN]
    for location in shown:
        heading = f"{location.file}, {location.module}" if len(file.files) > 1 else location.module
        if location.row is None and location.cell is None:
            heading = location.file
        place = replace(location, sheet=None).place
        if location.sheet is not None and heading != location.file:
            heading = f"{heading}, sheet {location.sheet}"
        if location.path is not None:
            place = f"{place} ({location.path})"
        groups.setdefault(heading, []).append(place)
    more = len(rule.locations) - len(shown)
    text = "; ".join(f"{heading}: {', '.join(places)}" for heading, places in groups.items())
    return f"{text}; and {more:,} more" if more else text
