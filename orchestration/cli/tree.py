"""The command's tree: the programme and its groups, to which the modules beside this one add their commands."""

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print local variables, which can hold values
    help="SEND data pipeline: land, check, build, release.",
)
release_app = typer.Typer(no_args_is_help=True, help="Releases: list, show, revisions, approve, roll back.")
app.add_typer(release_app, name="release")
linkage_app = typer.Typer(help="Which rows of the returns are one child: what was linked, what to review.")
app.add_typer(linkage_app, name="linkage")
