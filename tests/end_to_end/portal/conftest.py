"""A real browser without a network, and the portal of a release to open in it from the disk."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

RELEASE = "CORNERSTONE_TEST_RELEASE"
"""Names a release folder that was made already; without it, that of a borough of plans and grant alone."""


def chromium() -> str | None:
    """The browser of this machine."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("needs chromium, which this machine does not have (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
        opened = playwright.chromium.launch(executable_path=path, args=quiet)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def release(browser: Browser, request: pytest.FixtureRequest) -> Path:
    """The folder of a release; asked for after the browser, without which it would be made for nothing."""
    if RELEASE in os.environ:
        return Path(os.environ[RELEASE]).resolve()
    made: Path = request.getfixturevalue("borough_of_plans")
    return (made / "store" / "current").resolve()


@pytest.fixture(scope="session")
def portal(release: Path) -> Path:
    """The folder that a governance reader is given."""
    return release / "evidence"


@pytest.fixture(scope="session")
def pages(portal: Path) -> list[str]:
    """The names of all pages of the portal."""
    return sorted(path.name for path in portal.glob("*.html"))


Opened = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="session")
def opened(browser: Browser, portal: Path) -> Iterator[Opened]:
    """A page opened from the disk, with the network off: `with opened("index.html", width=375) as page`."""
    # One context for all pages that are opened alike: making one takes longer than showing a page.
    contexts: dict[str, BrowserContext] = {}

    @contextmanager
    def run(name: str, *, width: int = 1440, **options: Any) -> Iterator[Page]:
        alike = f"{width} {sorted(options.items())}"
        if alike not in contexts:
            contexts[alike] = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
        page = contexts[alike].new_page()
        page.goto((portal / name).as_uri())
        yield page
        page.close()

    yield run
    for context in contexts.values():
        context.close()
