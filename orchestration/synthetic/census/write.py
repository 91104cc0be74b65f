"""The shapes a census comes in: an XML file a school, or COLLECT's flattened tables of all schools. Both hold the same rows."""

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from orchestration.synthetic.census.schools import AUTUMN, FILE_NUMBERS, SPRING, Ints, Term
from orchestration.synthetic.census.tables import Census, Columns

XML, COLLECT = "xml", "collect_csv"

SOURCES = {
    "schoolcensus": "schools",
    "school": "schools",
    "pupilonroll": "on",
    "pupilnolongeronroll": "off",
    "senneeds": "needs",
    "addresses": "addresses",
    "addressesonroll": "addresses",
    "addressesoffroll": "addresses_off",
    "fsmperiod": "meals",
    "fsmperiodsonroll": "meals",
    "termlysessiondetailsonroll": "termly_on",
    "termlysessiondetailsoffroll": "termly_off",
    "summerhalfterm2sessiondetailsonroll": "half2_on",
    "summerhalfterm2sessiondetailsoffroll": "half2_off",
    "termlyexclusionsonroll": "suspensions_on",
    "termlyexclusionsoffroll": "suspensions_off",
    "approvisiondetailonroll": "alternative",
}
"""COLLECT table -> canonical table. A table that is not named here is written with its headings alone."""

_DATES = {"referencedate", "datetime", "dob", "entrydate", "leavingdate", "startdate", "fsmstartdate", "fsmenddate"}
_FLAGS = {
    "senunitindicator",
    "resourcedprovisionindicator",
    "topupfunding",
    "parttime",
    "dafindicator",
    "schoollunchtaken",
}
_AP_ADDED_2023 = {"applacementpostcode", "companynumber"}


@cache
def _layouts() -> dict[tuple[str, str], dict[int, list[str]]]:
    """Columns of each table of a term, by the first calendar year with them."""
    found: dict[tuple[str, str], dict[int, list[str]]] = {}
    with (Path(__file__).parent / "columns.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            found.setdefault((row["term"], row["table"]), {})[int(row["from_year"])] = row["columns"].split()
    return found


def layout(term: Term) -> dict[str, dict[str, str]]:
    """COLLECT table -> its columns in order, each with the canonical column that fills it.

    The lists begin with calendar year 2024; censuses before that differ by what was renamed or added in between.
    """
    made: dict[str, dict[str, str]] = {}
    for (name, table), by_year in _layouts().items():
        if name != term.name:
            continue
        known = [year for year in by_year if year <= term.year]
        made[table] = {column: column for column in by_year[max(known) if known else min(by_year)]}
        renamed = {}
        if term.academic <= 2022:
            renamed["sex"] = "gender"
            made[table] = {c: s for c, s in made[table].items() if c not in _AP_ADDED_2023}
        if term.name == AUTUMN and term.academic <= 2023:
            renamed["eligibilitycode"] = "thirtyhourcode"
        made[table] = {renamed.get(column, column): source for column, source in made[table].items()}
    return made


def write_census(made: Census, folder: Path, shape: str) -> int:
    """One census in one shape, in a folder of that name. Returns the number of files."""
    writers = {XML: write_xml, COLLECT: write_collect}
    return writers[shape](made, folder / shape)


def write_collect(made: Census, folder: Path) -> int:
    """A CSV a table: table ids as keys, lower-case columns, days as 2026-Jan-15 00:00:00, truth values as True and False."""
    folder.mkdir(parents=True, exist_ok=True)
    layouts = layout(made.term)
    laestab = {name: made.tables[name]["laestab"] for name in ("schools", "on", "off")}
    for table, columns in layouts.items():
        source = made.tables.get(SOURCES.get(table, ""))
        size = len(source["id"]) if source else 0
        blank = pa.array([""] * size, pa.string())
        native = blank
        if source:
            native = source.get("laestab", blank)
            if "laestab" not in source:
                roll = "off" if table.endswith("offroll") else "on"
                native = laestab[roll].take(_numbered(source))
        filled: Columns = {}
        for column, canonical in columns.items():
            if source is None:
                filled[column] = blank
            elif column in (f"{table}tableid", f"{table}orderseqcolumn"):
                filled[column] = source["id"]
            elif column == "NativeId":
                filled[column] = native
            elif column == "sourceid":
                filled[column] = pa.array(["1"] * size, pa.string())
            elif column.endswith("tableid"):
                filled[column] = source["parent"]
            else:
                filled[column] = _collect_text(canonical, source.get(canonical, blank))
        path = folder / f"SchoolCensus{made.term.year}_{made.term.name.title()}_{table}.csv"
        options = arrow_csv.WriteOptions(quoting_style="needed")
        arrow_csv.write_csv(pa.table(filled), path, write_options=options)
    return len(layouts)


def _numbered(source: Columns) -> pa.Array:
    """Position of each row's parent."""
    return pc.subtract(source["parent"].cast(pa.int64()), 1)


def _collect_text(column: str, values: pa.Array) -> pa.Array:
    """Days and truth values as COLLECT writes them."""
    if column not in _DATES | _FLAGS:
        return values
    found = values.dictionary_encode()
    kinds = found.dictionary
    if column in _FLAGS:
        shown = [{"1": "True", "0": "False"}.get(kind, kind) for kind in kinds.to_pylist()]
        return pa.array(shown, pa.string()).take(found.indices)
    days = pc.if_else(pc.match_substring_regex(kinds, r"^\d{4}-\d\d-\d\d"), kinds, None).cast(pa.timestamp("s"))
    return pc.coalesce(pc.strftime(days, format="%Y-%b-%d %H:%M:%S", locale="C"), kinds).take(found.indices)


_IDENTIFIERS = {
    "UPN": "upn",
    "FormerUPN": "formerupn",
    "UniqueLearnerNumber": "uniquelearnernumber",
    "Surname": "surname",
    "Forename": "forename",
    "PreferredSurname": "preferredsurname",
    "FormerSurname": "formersurname",
    "DOB": "dob",
    "Sex": "sex",
}
_CHARACTERISTICS = {
    "Ethnicity": "ethnicity",
    "Language": "language",
    "YoungCarer": "youngcarer",
    "ServiceChild": "servicechild",
    "PLAA": "plaa",
    "YSSA": "yssa",
    "FundedHours": "fundedhours",
    "HoursAtSetting": "hoursatsetting",
    "ExtendedHours": "extendedhours",
    "EYPPR": "eyppr",
    "DAFIndicator": "dafindicator",
    "SchoolLunchTaken": "schoollunchtaken",
    "TopUpFunding": "topupfunding",
}
_STATUS = {
    "EnrolStatus": "enrolstatus",
    "EntryDate": "entrydate",
    "LeavingDate": "leavingdate",
    "Boarder": "boarder",
    "NCyearActual": "ncyearactual",
    "NCyearLeaving": "ncyearleaving",
    "PartTime": "parttime",
    "ClassType": "classtype",
}
_COLLECTION = {
    "Collection": "collection",
    "Name": "name",
    "Term": "term",
    "Year": "year",
    "ReferenceDate": "referencedate",
}
_SOURCE = {
    "SourceLevel": "sourcelevel",
    "LEA": "lea",
    "Estab": "estab",
    "URN": "urn",
    "SoftwareCode": "softwarecode",
    "Release": "release",
    "SerialNo": "serialno",
    "DateTime": "datetime",
    "Xversion": "xversion",
}
_SCHOOL = {
    "SchoolName": "schoolname",
    "Phase": "phase",
    "HighestNCyearGroup": "highestncyeargroup",
    "LowestNCyearGroup": "lowestncyeargroup",
    "Intake": "intake",
    "Governance": "governance",
}
_ADDRESS = {
    "PAON": "paon",
    "Street": "street",
    "Town": "town",
    "AddressLine1": "addressline1",
    "AddressLine2": "addressline2",
    "PostCode": "postcode",
    "UniquePropertyReferenceNumber": "uniquepropertyreferencenumber",
}
_SUSPENSION = {
    "Category": "category",
    "Reason1": "reason1",
    "Reason2": "reason2",
    "Reason3": "reason3",
    "StartDate": "startdate",
    "Sessions": "sessions",
    "SENprovision": "senprovision",
}
_MEALS = {"FSMstartDate": "fsmstartdate", "FSMendDate": "fsmenddate", "UKcountry": "ukcountry"}
_ALTERNATIVE = {"PrevURN": "prevurn", "APReason": "apreason", "SENprovisionEntry": "senprovisionentry"}


def write_xml(made: Census, folder: Path) -> int:
    """An XML file a school, UTF-8, named by the school and term."""
    folder.mkdir(parents=True, exist_ok=True)
    schools = made.tables["schools"]
    here = layout(made.term)
    collection = _wrapped("CollectionDetails", _leaves(schools, _COLLECTION))
    source = _wrapped("Source", _leaves(schools, _SOURCE))
    head = _wrapped("Header", _joined(collection, source))
    head = _joined(head, _wrapped("School", _leaves(schools, _SCHOOL)))
    on = _by_school(_pupils(made, "on", "PupilOnRoll", set(here["pupilonroll"].values())), made.tables["on"], schools)
    off = _by_school(
        _pupils(made, "off", "PupilNoLongerOnRoll", set(here["pupilnolongeronroll"].values())),
        made.tables["off"],
        schools,
    )
    bodies = _joined(
        '<?xml version="1.0" encoding="UTF-8"?>\n<Message>\n',
        head,
        "\n<Pupils>\n",
        _wrapped("PupilsOnRoll", on),
        "\n",
        _wrapped("PupilsNoLongerOnRoll", off),
        "\n</Pupils>\n</Message>\n",
    )
    number, year = FILE_NUMBERS[made.term.name], made.term.year % 100
    for laestab, body in zip(schools["laestab"].to_pylist(), bodies.to_pylist(), strict=True):
        path = folder / f"{laestab}_SC{number}_{made.la}LL{year:02d}_001.XML"
        path.write_text(body, encoding="utf-8", newline="\n")
    return len(bodies)


def _joined(*parts: pa.Array | str) -> pa.Array:
    """Texts one after the other, row by row."""
    return pc.binary_join_element_wise(*parts, "")


def _wrapped(tag: str, inner: pa.Array) -> pa.Array:
    """The element around its content, nothing around nothing."""
    return pc.if_else(pc.equal(inner, ""), "", _joined(f"<{tag}>", inner, f"</{tag}>"))


def _leaves(source: Columns, names: dict[str, str]) -> pa.Array:
    """The filled elements of each row. The values are of the generator's own making and need no escaping."""
    return _joined(*(_wrapped(name, source[column]) for name, column in names.items() if column in source))


def _collected(made: Census, table: str, names: dict[str, str], tag: str, size: int) -> pa.Array:
    """The rows of a table as elements, joined for each of `size` parents."""
    source = made.tables.get(table)
    if source is None:
        return pa.array([""] * size, pa.string())
    return _gathered(_numbered(source).to_numpy(), _wrapped(tag, _leaves(source, names)), size)


def _gathered(parents: Ints, texts: pa.Array, size: int) -> pa.Array:
    """Texts of one parent joined; they stand in the order of the parents."""
    offsets = np.searchsorted(parents, np.arange(size + 1)).astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), texts), "")


def _by_school(pupils: pa.Array, roll: Columns, schools: Columns) -> pa.Array:
    lines = _joined("\n", pupils)
    return _gathered(_numbered(roll).to_numpy(), lines, len(schools["id"]))


def _pupils(made: Census, roll: str, tag: str, collected: set[str]) -> pa.Array:
    """Every pupil of a roll as an element, with what hangs from it. `collected`: columns of that term's return."""
    source = {name: values for name, values in made.tables[roll].items() if name in collected}
    size = len(made.tables[roll]["id"])
    identifiers = dict(_IDENTIFIERS)
    if made.term.academic <= 2022:
        identifiers = {("Gender" if name == "Sex" else name): column for name, column in identifiers.items()}
    blocks = [
        _wrapped("PupilIdentifiers", _leaves(source, identifiers)),
        _wrapped("PupilCharacteristics", _leaves(source, _CHARACTERISTICS)),
        _wrapped("PupilStatus", _leaves(source, _STATUS)),
    ]
    if roll == "on":
        needs = _collected(made, "needs", {"SENtypeRank": "sentyperank", "SENtype": "sentype"}, "SENneed", size)
        provision = _joined(
            _leaves(source, {"SENprovision": "senprovision"}),
            _wrapped("SENneeds", needs) if made.term.name == SPRING else "",
            _leaves(
                source,
                {
                    "SENunitIndicator": "senunitindicator",
                    "ResourcedProvisionIndicator": "resourcedprovisionindicator",
                },
            ),
        )
        periods = _collected(made, "meals", _MEALS, "FSMperiod", size)
        blocks += [
            _wrapped("SpecialEducationalNeeds", provision),
            _wrapped("FSMeligibility", _wrapped("FSMperiods", periods)),
        ]
    homes = _collected(made, "addresses" if roll == "on" else "addresses_off", _ADDRESS, "Address", size)
    blocks.append(_wrapped("HomeInformation", _wrapped("Addresses", homes)))
    attendance = []
    for stretch, stem, element in (
        ("termly", "termlysessions", "TermlyAttendance"),
        ("half2", "summerhalfterm2sessions", "SummerHalfTerm2Attendance"),
    ):
        names = {"AttendanceReason": "attendancereason", "Sessions": "sessions"}
        details = _collected(made, f"{stretch}_{roll}", names, "SessionDetail", size)
        totals = {
            "SessionsPossible": f"{stem}possible",
            "SessionsAuthorised": f"{stem}authorised",
            "SessionsUnauthorised": f"{stem}unauthorised",
            "SessionsEducational": f"{stem}educational",
        }
        attendance.append(_wrapped(element, _joined(_leaves(source, totals), _wrapped("SessionDetails", details))))
    blocks.append(_wrapped("Attendance", _joined(*attendance)))
    suspended = _collected(made, f"suspensions_{roll}", _SUSPENSION, "TermlyExclusion", size)
    blocks.append(_wrapped("Exclusions", suspended))
    if roll == "on":
        blocks.append(_collected(made, "alternative", _ALTERNATIVE, "APProvisionDetail", size))
    return _wrapped(tag, _joined(*blocks))
