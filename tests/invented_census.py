"""School censuses of a few invented pupils in fictional schools, written in every shape councils hold them in."""

import csv
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from tests.invented_return import collect_date

CENSUS_DAYS = {
    ("SPR", 2025): "2025-01-16", ("SUM", 2025): "2025-05-15", ("AUT", 2025): "2025-10-02", ("AUT", 2024): "2024-10-03",
    ("SPR", 2024): "2024-01-18", ("SPR", 2019): "2019-01-17", ("SPR", 2026): "2026-01-15",
}  # fmt: skip
DIGITS = {"SPR": "1", "SUM": "2", "AUT": "3"}
SENTINELS = [
    "Zzcurie", "Mariella", "Zzskłodo", "Zzmarie", "Zzdarwin", "Charlson", "Zzfranklin", "Rosalinda", "E372400021001",
    "U372400021002", "N372200119045", "R372700022007", "1000102504", "ZZ1 1AA", "ZZ2 2BB", "Zzelm Street", "100099990001",
    "2014-08-31",
]  # fmt: skip


@dataclass
class Pupil:
    """One pupil record. `fields` has the XML names; `sessions` is possible sessions and sessions by code, of the term and,
    in autumn, of the second half of the summer term."""

    fields: dict[str, str]
    on_roll: bool = True
    needs: list[tuple[str, str]] = field(default_factory=list)
    addresses: list[dict[str, str]] = field(default_factory=list)
    fsm: list[dict[str, str]] = field(default_factory=list)
    sessions: tuple[str, dict[str, str]] | None = None
    second_half: tuple[str, dict[str, str]] | None = None
    suspensions: list[dict[str, str]] = field(default_factory=list)
    ap_details: list[dict[str, str]] = field(default_factory=list)
    ap_placements: list[dict[str, str]] = field(default_factory=list)

    def but(self, **changed: str) -> "Pupil":
        """The pupil with some fields changed; an empty one goes."""
        other = deepcopy(self)
        other.fields = {name: value for name, value in (self.fields | changed).items() if value}
        return other


@dataclass
class Census:
    """One school's return."""

    header: dict[str, str]
    school: dict[str, str]
    pupils: list[Pupil]
    provisions: list[str] = field(default_factory=list)

    @property
    def term(self) -> str:
        return self.header["Term"]

    @property
    def la_estab(self) -> str:
        return self.header["LEA"] + self.header["Estab"]

    @property
    def file_name(self) -> str:
        header = self.header
        name = f"{self.la_estab}_SC{DIGITS[self.term]}_{header['LEA']}LL{header['Year'][2:]}"
        return f"{name}_{header['SerialNo']:0>3}.XML"


def marie() -> Pupil:
    """On roll with a plan, two needs, free meals and a suspension."""
    return Pupil(
        {
            "UPN": "E372400021001", "FormerUPN": "N372200119045", "UniqueLearnerNumber": "1000102504", "Surname": "Zzcurie",
            "Forename": "Mariella", "MiddleNames": "Zzskłodo", "PreferredSurname": "Zzmarie", "DOB": "2014-08-31",
            "Sex": "F", "EnrolStatus": "C", "EntryDate": "2018-09-03", "NCyearActual": "6", "PartTime": "0", "Boarder": "N",
            "TopUpFunding": "1", "SENprovision": "E", "SENunitIndicator": "1", "ResourcedProvisionIndicator": "0",
        },
        needs=[("ASD", "1"), ("SLCN", "2")],
        addresses=[{"PostCode": "zz1 1aa", "PAON": "7", "Street": "Zzelm Street", "UniquePropertyReferenceNumber": "100099990001"}],
        fsm=[{"FSMstartDate": "2019-01-07", "FSMendDate": "2020-01-31", "UKcountry": "ENG"}, {"FSMstartDate": "2022-04-01"}],
        sessions=("140", {"I": "12", "/": "60", "\\": "60", "O": "8"}),
        second_half=("60", {"I": "3"}),
        suspensions=[
            {"Category": "SUSP", "Reason1": "PP", "Reason2": "DB", "StartDate": "2024-11-04", "Sessions": "4", "SENprovision": "K"}
        ],
        ap_placements=[
            {
                "UKPRN": "19990001", "EntryDate": "2024-11-18", "APSessionsPerWeek": "3", "PlacementReason": "BHS",
                "SENprovisionEntry": "K", "APAttendancePattern": "PT", "APPlacementPostcode": "ZZ2 2BB",
            }
        ],
    )  # fmt: skip


def charles() -> Pupil:
    """On roll, no SEN, registered at another school too."""
    return Pupil(
        {
            "UPN": "U372400021002", "Surname": "Zzdarwin", "Forename": "Charlson", "DOB": "2016-02-29", "Sex": "M",
            "EnrolStatus": "M", "EntryDate": "2020-09-01", "NCyearActual": "4", "PartTime": "0", "TopUpFunding": "0",
            "SENprovision": "N",
        },
        addresses=[{"PostCode": "ZZ2 2BB", "PAON": "Zzhouse", "Street": "Zzash Lane"}],
        sessions=("140", {"I": "2"}),
        ap_details=[{"PrevURN": "999002", "APReason": "MHN", "SENprovisionEntry": "N"}],
    )  # fmt: skip


def rosalind() -> Pupil:
    """No longer on roll: permanently excluded in the term before."""
    return Pupil(
        {
            "UPN": "R372700022007", "Surname": "Zzfranklin", "Forename": "Rosalinda", "DOB": "2013-07-25", "Sex": "F",
            "EntryDate": "2018-09-03", "LeavingDate": "2024-12-13", "PartTime": "0",
        },
        on_roll=False,
        sessions=("120", {"E": "10"}),
        suspensions=[{"Category": "PERM", "Reason1": "DB", "StartDate": "2024-12-13", "SENprovision": "K"}],
    )  # fmt: skip


def pupils() -> list[Pupil]:
    return [marie(), charles(), rosalind()]


def census(
    given: list[Pupil] | None = None,
    estab: str = "4001",
    term: str = "SPR",
    year: int = 2025,
    serial: str = "1",
    **changed: str,
) -> Census:
    """A return of an invented school; `changed` are fields of the header."""
    header = {
        "Collection": "SC", "Term": term, "Year": str(year), "ReferenceDate": CENSUS_DAYS.get((term, year), f"{year}-01-15"),
        "SourceLevel": "S", "LEA": "372", "Estab": estab, "URN": f"99{estab}", "SoftwareCode": "Invented", "Release": "1.0",
        "SerialNo": serial, "DateTime": f"{year}-01-20T09:30:00", "XVersion": "1",
    }  # fmt: skip
    school = {
        "SchoolName": f"Zzinvented School {estab}",
        "Phase": "PS",
        "Type": "01",
        "LowestNCyearGroup": "R",
        "Email": "x@zz",
    }
    given = pupils() if given is None else given
    if term == "SPR":  # ethnicity is collected in spring alone
        given = [pupil.but(Ethnicity=pupil.fields.get("Ethnicity", "WBRI")) for pupil in given]
    return Census(header | changed, school, given)


def _elements(fields: dict[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())


def _attendance(element: str, sessions: tuple[str, dict[str, str]] | None) -> str:
    if sessions is None:
        return ""
    possible, by_code = sessions
    details = "".join(
        f"<SessionDetail><AttendanceReason>{code}</AttendanceReason><Sessions>{count}</Sessions></SessionDetail>"
        for code, count in by_code.items()
    )
    return f"<{element}><SessionsPossible>{possible}</SessionsPossible><SessionDetails>{details}</SessionDetails></{element}>"


def pupil_xml(pupil: Pupil, term: str) -> str:
    """A pupil as the file of a school system has it: in blocks."""
    blocks = {
        "PupilIdentifiers": [
            "UPN", "FormerUPN", "UniqueLearnerNumber", "Surname", "Forename", "MiddleNames", "PreferredSurname", "DOB",
            "Sex", "Gender",
        ],
        "PupilStatus": ["EnrolStatus", "EntryDate", "LeavingDate", "NCyearActual", "PartTime", "Boarder"],
        "SpecialEducationalNeeds": ["SENprovision", "SENunitIndicator", "ResourcedProvisionIndicator"],
    }  # fmt: skip
    placed = {name for names in blocks.values() for name in names}
    blocks["PupilCharacteristics"] = [name for name in pupil.fields if name not in placed]
    parts = []
    for block, names in blocks.items():
        inner = _elements({name: pupil.fields[name] for name in names if name in pupil.fields})
        if block == "SpecialEducationalNeeds" and term == "SPR" and pupil.needs:
            needs = [_elements({"SENtypeRank": rank, "SENtype": kind}) for kind, rank in pupil.needs]
            inner += "<SENneeds>" + "".join(f"<SENneed>{need}</SENneed>" for need in needs) + "</SENneeds>"
        parts.append(f"<{block}>{inner}</{block}>")
    addresses = "".join(f"<Address>{_elements(address)}</Address>" for address in pupil.addresses)
    parts.append(f"<HomeInformation><Addresses>{addresses}</Addresses></HomeInformation>")
    fsm = "".join(f"<FSMperiod>{_elements(period)}</FSMperiod>" for period in pupil.fsm)
    parts.append(f"<FSMeligibility><FSMperiods>{fsm}</FSMperiods></FSMeligibility>")
    attendance = _attendance("TermlyAttendance", pupil.sessions)
    if term == "AUT":
        attendance += _attendance("SummerHalfTerm2Attendance", pupil.second_half)
    parts.append(f"<Attendance>{attendance}</Attendance>")
    exclusions = "".join(f"<TermlyExclusion>{_elements(one)}</TermlyExclusion>" for one in pupil.suspensions)
    parts.append(f"<Exclusions>{exclusions}</Exclusions>")
    parts += [f"<APProvisionDetail>{_elements(one)}</APProvisionDetail>" for one in pupil.ap_details]
    parts += [f"<APPlacementDetail>{_elements(one)}</APPlacementDetail>" for one in pupil.ap_placements]
    parts.append("<LearningAims><LearningAim><QN>60012345</QN></LearningAim></LearningAims>")
    element = "PupilOnRoll" if pupil.on_roll else "PupilNoLongerOnRoll"
    return f"<{element}>{''.join(parts)}</{element}>"


def census_xml(one: Census, *, root: str = "Message", namespace: str = "") -> str:
    """A return as a school uploads it."""
    details = ("Collection", "Term", "Year", "ReferenceDate")
    head = _elements({name: one.header[name] for name in details if one.header[name]})
    source = _elements({name: value for name, value in one.header.items() if name not in details})
    on_roll = "".join(pupil_xml(pupil, one.term) for pupil in one.pupils if pupil.on_roll)
    off_roll = "".join(pupil_xml(pupil, one.term) for pupil in one.pupils if not pupil.on_roll)
    provisions = "".join(
        f"<Provision><SpecialSchoolType>{kind}</SpecialSchoolType></Provision>" for kind in one.provisions
    )
    attribute = f' xmlns="{namespace}"' if namespace else ""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><{root}{attribute}>'
        f"<Header><CollectionDetails>{head}</CollectionDetails><Source>{source}</Source></Header>"
        f"<School>{_elements(one.school)}{provisions}</School>"
        f"<Pupils><PupilsOnRoll>{on_roll}</PupilsOnRoll>"
        f"<PupilsNoLongerOnRoll>{off_roll}</PupilsNoLongerOnRoll></Pupils></{root}>"
    )


def write_census_xml(folder: Path, one: Census, name: str = "", **how: str) -> Path:
    path = folder / (name or one.file_name)
    path.write_text(census_xml(one, **how), encoding="utf-8")
    return path


_DATES = {
    "referencedate", "datetime", "dob", "entrydate", "leavingdate", "fsmstartdate", "fsmenddate", "startdate",
}  # fmt: skip
_BOOLEANS = {"parttime", "topupfunding", "senunitindicator", "resourcedprovisionindicator"}
_NUMBERS = {"sessions", "termlysessionspossible", "summerhalfterm2sessionspossible", "serialno", "sentyperank", "urn"}
_EMPTY_COLUMNS = {
    "provisions": ["specialschooltype"], "senneeds": ["sentyperank", "sentype"], "classes": ["classname"],
    "termlysessiondetailsoffroll": ["attendancereason", "sessions"], "addressesoffroll": ["postcode"],
}  # fmt: skip


def _as_collect(name: str, value: str) -> str:
    if name in _DATES and value:
        return collect_date(value)
    if name in _BOOLEANS:
        return {"1": "True", "0": "False"}.get(value, value)
    return f"{value}.0" if name in _NUMBERS and value else value


@dataclass
class _Rows:
    """Rows of one COLLECT table: number, sender, parent's number, fields."""

    parent: str | None
    rows: list[tuple[int, str, int | None, dict[str, str]]] = field(default_factory=list)


def collect_tables(returns: Iterable[Census]) -> dict[str, _Rows]:
    """The returns flattened as COLLECT does; numbers are unlike any position."""
    found: dict[str, _Rows] = {}
    numbers = iter(range(7_001, 1_000_000))

    def add(table: str, parent: str | None, above: int | None, one: Census, fields: dict[str, str]) -> int:
        own = next(numbers)
        lowered = {name.lower(): value for name, value in fields.items()}
        found.setdefault(table, _Rows(parent)).rows.append((own, one.la_estab, above, lowered))
        return own

    terms = set()
    for one in returns:
        autumn = one.term == "AUT"
        terms.add(one.term)
        head = add("schoolcensus", None, None, one, one.header)
        school = add("school", "schoolcensus", head, one, one.school)
        for kind in one.provisions:
            add("provisions", "school", school, one, {"SpecialSchoolType": kind})
        for pupil in one.pupils:
            roll = "onroll" if pupil.on_roll else "offroll"
            table = "pupilonroll" if pupil.on_roll else "pupilnolongeronroll"
            fields = dict(pupil.fields)
            if pupil.sessions:
                fields["TermlySessionsPossible"] = pupil.sessions[0]
            if autumn and pupil.second_half:
                fields["SummerHalfTerm2SessionsPossible"] = pupil.second_half[0]
            own = add(table, "schoolcensus", head, one, fields)
            children = {
                "senneeds": [] if one.term != "SPR" else [{"SENtypeRank": r, "SENtype": k} for k, r in pupil.needs],
                f"addresses{roll}" if autumn else "addresses": pupil.addresses,
                "fsmperiodsonroll" if autumn else "fsmperiod": pupil.fsm,
                f"termlysessiondetails{roll}": _details(pupil.sessions),
                f"summerhalfterm2sessiondetails{roll}": _details(pupil.second_half) if autumn else [],
                f"termlyexclusions{roll}": pupil.suspensions,
                f"approvisiondetail{roll}": pupil.ap_details,
                f"schoolarrangedapdetail{roll}": pupil.ap_placements,
            }
            for child, rows in children.items():
                for row in rows:
                    add(child, table, own, one, row)
    on_and_off = ["termlysessiondetails", "termlyexclusions", "approvisiondetail", "schoolarrangedapdetail"]
    usual = {"pupilonroll": "schoolcensus", "pupilnolongeronroll": "schoolcensus"}
    if "AUT" in terms:
        on_and_off += ["addresses", "summerhalfterm2sessiondetails"]
        usual |= {"fsmperiodsonroll": "pupilonroll"}
    if terms - {"AUT"}:
        usual |= {"addresses": "pupilonroll", "fsmperiod": "pupilonroll"}
    if "SPR" in terms:
        usual |= {"senneeds": "pupilonroll", "provisions": "school", "classes": "school"}
    for name in on_and_off:
        usual |= {f"{name}onroll": "pupilonroll", f"{name}offroll": "pupilnolongeronroll"}
    for name, parent in usual.items():
        found.setdefault(name, _Rows(parent))
    return found


def _details(sessions: tuple[str, dict[str, str]] | None) -> list[dict[str, str]]:
    return [{"AttendanceReason": code, "Sessions": count} for code, count in sessions[1].items()] if sessions else []


def write_collect(
    folder: Path, returns: Iterable[Census], name: str = "2025_spring_la_{table}.csv", numbered: bool = False
) -> list[Path]:
    """A file a table, empty tables as headings alone; `numbered` files have names that say nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, (table, held) in enumerate(collect_tables(returns).items()):
        columns = list(dict.fromkeys(column for *_, fields in held.rows for column in fields))
        columns = columns or _EMPTY_COLUMNS.get(table, ["startdate"])
        head = [f"{table}tableid", "NativeId", f"{table}orderseqcolumn", "sourceid"]
        rows = [[*head, *([f"{held.parent}tableid"] if held.parent else []), *columns]]
        for position, (own, sender, above, fields) in enumerate(held.rows, start=1):
            values = [_as_collect(column, fields.get(column, "")) for column in columns]
            rows.append([str(own), sender, str(position), "1", *([str(above)] if held.parent else []), *values])
        path = folder / (f"file {number}.csv" if numbered else name.format(table=table))
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(rows)
        paths.append(path)
    return paths


def write_flat_extract(path: Path, returns: Iterable[Census]) -> Path:
    """A council's own extract: a row a pupil on roll, needs side by side, no header."""
    columns = [
        "Estab", "UPN", "Surname", "Forename", "Middlenames", "PreferredSurname", "FormerSurname", "Gender", "DoB",
        "EnrolStatus", "EntryDate", "NCyearActual", "SENprovision", "SENNeed1", "SENneed2", "SENunitIndicator",
        "ResourcedProvisionIndicator", "UniqueLearnerNumber", "Postcode", "PAON", "Street", "NativeID", "Age",
    ]  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for one in returns:
            for pupil in (pupil for pupil in one.pupils if pupil.on_roll):
                given = {name.lower(): value for name, value in pupil.fields.items()}
                given |= {name.lower(): value for name, value in (pupil.addresses or [{}])[0].items()}
                given |= {"gender": given.get("sex", ""), "estab": one.header["Estab"], "nativeid": one.la_estab}
                given |= {f"senneed{rank}": kind for kind, rank in pupil.needs} | {"age": "9"}
                writer.writerow([given.get(column.lower(), "") for column in columns])
    return path
