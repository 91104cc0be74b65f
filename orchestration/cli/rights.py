"""What is owed to the people in the data: the audit, erasure, retention, renewal of the key."""

from dataclasses import asdict

from orchestration.cli.console import AsJson, out, print_json
from orchestration.cli.tree import app
from orchestration.settings import load_settings


@app.command()
def audit(as_json: AsJson = False) -> None:
    """Who took names, erased, deleted, decided or released, when and why; says so if a journal was altered."""
    from orchestration.rights.audit import read_account
    from orchestration.rights.shown import print_account

    account = read_account(load_settings())
    if as_json:
        print_json(asdict(account))
    else:
        print_account(account, out)
