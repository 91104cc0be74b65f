"""What lies in an invented borough's folder, as the deliveries that a measurement of landing compares."""

from dataclasses import dataclass
from pathlib import Path

from orchestration.synthetic.census import schools

_NEWEST, _BEFORE = "2025-26", "2024-25"


@dataclass(frozen=True)
class Delivered:
    """Files of one return that are landed together."""

    title: str
    return_id: str
    files: tuple[Path, ...]

    @property
    def is_xml(self) -> bool:
        """Whether the files are XML; else they are CSV."""
        return self.files[0].suffix.lower() == ".xml"


def deliveries(folder: Path) -> list[Delivered]:
    """One year's plans, a census term, and a year of them, in the shapes they come in, as far as they were invented."""
    plans = sorted((folder / "sen2").glob("*/xml"))
    terms = {
        (year, term): _files(folder / "school_census" / year / term)
        for year in (_BEFORE, _NEWEST)
        for term in (schools.AUTUMN, schools.SPRING, schools.SUMMER)
    }
    newest = {term: files for (year, term), files in terms.items() if year == _NEWEST}
    found = [
        Delivered("EHC plans return, XML", "sen2", _files(plans[-1].parent) if plans else ()),
        Delivered("School census, one term, XML", "school_census", newest[schools.SPRING]),
        Delivered("School census, three terms, XML", "school_census", sum(newest.values(), ())),
        Delivered("School census, one term, COLLECT CSV", "school_census", terms[_BEFORE, schools.SPRING]),
    ]
    return [one for one in found if one.files]


def one_school(folder: Path) -> Delivered:
    """The smallest file of the latest census: what comes when one school is late."""
    files = _files(folder / "school_census" / _NEWEST / schools.SUMMER)
    return Delivered("School census of one school, XML", "school_census", (min(files, key=_size),))


def _size(path: Path) -> tuple[int, Path]:
    return path.stat().st_size, path


def _files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))
