"""Reference files of the invented borough: a schools register with GIAS column names, a postcode directory, deprivation."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from orchestration.synthetic.identity import neighbouring_postcodes, postcode_list

REGISTER_DATE = "20260105"  # registers carry their date in the name

# Types as the schools register numbers them.
TYPE_CODES = {
    "Community school": "01",
    "Voluntary aided school": "02",
    "Voluntary controlled school": "03",
    "Foundation school": "05",
    "Community special school": "07",
    "Non-maintained special school": "08",
    "Other independent special school": "10",
    "Other independent school": "11",
    "Foundation special school": "12",
    "Pupil referral unit": "14",
    "Local authority nursery school": "15",
    "Further education": "18",
    "Secure units": "24",
    "Offshore schools": "25",
    "Academy sponsor led": "28",
    "Higher education institutions": "29",
    "Welsh establishment": "30",
    "Sixth form centres": "31",
    "Special post 16 institution": "32",
    "Academy special sponsor led": "33",
    "Academy converter": "34",
    "Free schools": "35",
    "Free schools special": "36",
    "Free schools alternative provision": "38",
    "University technical college": "40",
    "Studio schools": "41",
    "Academy alternative provision converter": "42",
    "Academy special converter": "44",
    "Online provider": "49",
}
AREAS = 24
"""Neighbourhoods of the invented borough; two are a ward."""
FIRST_URN = 900001
FIRST_UKPRN = 10990001

#  (register type, its group, phase, how many inside the borough, outside, lines that use it)
_KINDS: tuple[tuple[str, str, str, int, int, str], ...] = (
    ("Community school", "Local authority maintained schools", "Primary", 10, 2, "mainstream_la_maintained"),
    ("Voluntary aided school", "Local authority maintained schools", "Primary", 4, 1, "mainstream_la_maintained"),
    ("Voluntary controlled school", "Local authority maintained schools", "Primary", 2, 0, "mainstream_la_maintained"),
    ("Foundation school", "Local authority maintained schools", "Secondary", 2, 1, "mainstream_la_maintained"),
    (
        "Local authority nursery school",
        "Local authority maintained schools",
        "Nursery",
        2,
        0,
        "mainstream_la_maintained",
    ),
    ("Academy converter", "Academies", "Primary", 36, 4, "mainstream_academy"),
    ("Academy sponsor led", "Academies", "Primary", 14, 2, "mainstream_academy"),
    ("Academy converter", "Academies", "Secondary", 10, 3, "mainstream_academy"),
    ("Academy sponsor led", "Academies", "Secondary", 5, 1, "mainstream_academy"),
    ("Free schools", "Free Schools", "Primary", 3, 1, "mainstream_free_school"),
    ("University technical college", "Free Schools", "Secondary", 1, 0, "mainstream_free_school"),
    ("Studio schools", "Free Schools", "Secondary", 1, 0, "mainstream_free_school"),
    ("Other independent school", "Independent schools", "Not applicable", 3, 3, "mainstream_independent"),
    ("Community special school", "Special schools", "Not applicable", 2, 2, "special_la_maintained"),
    ("Foundation special school", "Special schools", "Not applicable", 1, 0, "special_la_maintained"),
    ("Academy special converter", "Academies", "Not applicable", 5, 2, "special_academy"),
    ("Academy special sponsor led", "Academies", "Not applicable", 2, 0, "special_academy"),
    ("Free schools special", "Free Schools", "Not applicable", 2, 1, "special_free_school"),
    ("Other independent special school", "Independent schools", "Not applicable", 3, 6, "special_independent"),
    ("Non-maintained special school", "Special schools", "Not applicable", 0, 3, "special_non_maintained"),
    ("Pupil referral unit", "Local authority maintained schools", "Not applicable", 3, 0, "ap_pru_la_maintained"),
    ("Academy alternative provision converter", "Academies", "Not applicable", 1, 1, "ap_pru_academy"),
    ("Free schools alternative provision", "Free Schools", "Not applicable", 1, 1, "ap_pru_free_school"),
    ("Further education", "Colleges", "16 plus", 3, 4, "general_fe_tertiary_colleges"),
    ("Sixth form centres", "Colleges", "16 plus", 1, 1, "general_fe_tertiary_colleges"),
    ("Special post 16 institution", "Colleges", "16 plus", 2, 4, "specialist_post_16_institutions"),
    ("Online provider", "Online provider", "Not applicable", 0, 2, "online_provider"),
    ("Welsh establishment", "Welsh schools", "Not applicable", 0, 1, "w_settings"),
    ("Secure units", "Other types", "Not applicable", 0, 1, "other_schools"),
    ("Higher education institutions", "Universities", "Not applicable", 1, 0, ""),
    ("Offshore schools", "Other types", "Not applicable", 0, 1, ""),
)

_PHASE_AGES = {
    "Nursery": (2, 5),
    "Primary": (3, 11),
    "Secondary": (11, 18),
    "16 plus": (16, 25),
    "Not applicable": (2, 19),
}
NEIGHBOUR = ("999", "Neighbouring Shire")
"""The authority outside the borough: a code that no authority has, as far as the register goes."""
NEIGHBOUR_ONS_CODE = "E08000999"

TRUSTS = (
    "Wobbling Teapot Academies Trust",
    "Paper Lantern Learning Trust",
    "Seven Puddles Schools Trust",
    "Marmalade Hill Education Trust",
    "Sleepy Hedgehog Multi Academy Trust",
    "Upside Down Umbrella Trust",
)
COUNTED = (
    "NumberOfPupils",
    "SenUnitOnRoll",
    "SenUnitCapacity",
    "ResourcedProvisionOnRoll",
    "ResourcedProvisionCapacity",
)
"""Columns that only a census of the schools can fill."""


def schools_register(la: str, la_name: str) -> pd.DataFrame:
    """A register with the column names of Get Information About Schools, plus `line` (which placement line each serves; not written).

    The columns COUNTED are blank.
    """
    rows = []
    for kind, group, phase, inside, outside, line in _KINDS:
        rows += [(kind, group, phase, la, la_name, line)] * inside + [(kind, group, phase, *NEIGHBOUR, line)] * outside
    frame = pd.DataFrame(
        rows,
        columns=[
            "TypeOfEstablishment (name)",
            "EstablishmentTypeGroup (name)",
            "PhaseOfEducation (name)",
            "LA (code)",
            "LA (name)",
            "line",
        ],
    )
    number = np.arange(len(frame))
    frame.insert(0, "URN", (FIRST_URN + number).astype(str))
    frame.insert(3, "EstablishmentNumber", (9000 + number).astype(str))
    stem = np.array(
        [
            "Larkspindle",
            "Mossgrove",
            "Tumbledown",
            "Quillwater",
            "Brindlemere",
            "Foxwhistle",
            "Hollowbeck",
            "Dapplewood",
        ]
    )
    tail = frame["TypeOfEstablishment (name)"].str.split().str[0]
    frame.insert(4, "EstablishmentName", [f"{stem[i % 8]} {t} {i + 1}" for i, t in zip(number, tail, strict=True)])
    provision = np.full(len(frame), "Not applicable", dtype=object)
    for line in ("mainstream_la_maintained", "mainstream_academy", "mainstream_free_school"):
        mine = np.flatnonzero((frame["line"] == line) & (frame["LA (code)"] == la))
        for phase in ("Primary", "Secondary"):
            of_phase = mine[frame["PhaseOfEducation (name)"].to_numpy()[mine] == phase]
            share = max(1, len(of_phase) // 6) if len(of_phase) else 0
            provision[of_phase[:share]] = "Resourced provision"
            if len(of_phase) > share:
                provision[of_phase[share : 2 * share]] = "SEN unit"
            elif share:
                provision[of_phase[:share]] = "Resourced provision and SEN unit"
    frame["TypeOfResourcedProvision (name)"] = provision
    academy = frame["EstablishmentTypeGroup (name)"].isin(["Academies", "Free Schools"])
    frame["Trusts (name)"] = np.where(academy, np.array(TRUSTS, dtype=object)[number % len(TRUSTS)], "")
    frame["UKPRN"] = (FIRST_UKPRN + number).astype(str)
    frame["EstablishmentStatus (name)"] = "Open"
    frame["OpenDate"] = "01-09-2012"
    frame["CloseDate"] = ""
    frame["ReasonEstablishmentClosed (name)"] = ""
    ages = frame["PhaseOfEducation (name)"].map(_PHASE_AGES)
    frame["StatutoryLowAge"], frame["StatutoryHighAge"] = ages.str[0].astype(str), ages.str[1].astype(str)
    frame["Gender (name)"] = "Mixed"
    frame["SchoolCapacity"] = "300"
    frame[list(COUNTED)] = ""
    postcodes = postcode_list()
    frame["Postcode"] = np.where(frame["LA (code)"] == la, postcodes[number % len(postcodes)], "YR90 1AA")
    areas = np.array([lsoa_code(i % AREAS) for i in range(len(postcodes))], dtype=object)
    frame["LSOA (code)"] = np.where(frame["LA (code)"] == la, areas[number % len(postcodes)], "")
    return _with_predecessors(frame, la)


def _with_predecessors(frame: pd.DataFrame, la: str) -> pd.DataFrame:
    """Two maintained schools that closed on becoming academies: their URNs linger in real returns."""
    old = frame[(frame["line"] == "mainstream_academy") & (frame["LA (code)"] == la)].head(2).copy()
    old["URN"] = [str(FIRST_URN + 5000 + i) for i in range(len(old))]
    old["UKPRN"] = [str(FIRST_UKPRN + 5000 + i) for i in range(len(old))]
    old["TypeOfEstablishment (name)"] = "Community school"
    old["EstablishmentTypeGroup (name)"] = "Local authority maintained schools"
    old["EstablishmentStatus (name)"] = "Closed"
    old["CloseDate"] = "31-08-2021"
    old["OpenDate"] = "01-09-1990"
    old["ReasonEstablishmentClosed (name)"] = "Academy Converter"
    old["Trusts (name)"] = ""
    old["line"] = ""
    return pd.concat([frame, old], ignore_index=True)


def predecessors(register: pd.DataFrame) -> pd.DataFrame:
    """Which record followed which, as the links file of Get Information About Schools says it: a line each way.

    An academy has the name of the school that closed to become one; the register itself holds both, and why one closed.
    """
    closed = register[register["ReasonEstablishmentClosed (name)"] == "Academy Converter"]
    opened = register[register["EstablishmentStatus (name)"] == "Open"]
    both = closed.merge(opened, on=["EstablishmentName", "LA (code)"], suffixes=("", "_after"))
    since = pd.to_datetime(both["CloseDate"], format="%d-%m-%Y") + pd.Timedelta(days=1)
    lines = [
        pd.DataFrame(
            {
                "URN": both[own],
                "LinkURN": both[other],
                "LinkName": both["EstablishmentName"],
                "LinkType": kind,
                "LinkEstablishedDate": since.dt.strftime("%d-%m-%Y"),
            }
        )
        for own, other, kind in (("URN_after", "URN", "Predecessor"), ("URN", "URN_after", "Successor"))
    ]
    return pd.concat(lines, ignore_index=True)


def lsoa_code(area: int) -> str:
    """Code of an area, used nowhere else."""
    return f"E0199{9000 + area:04d}"


def ward_code(area: int) -> str:
    """Code of the ward that an area is half of, used nowhere else."""
    return f"E0599{9000 + area // 2:04d}"


def ward_name(area: int) -> str:
    """Name of that ward."""
    return f"Invented Ward {area // 2 + 1}"


def _directory(postcodes: Any, areas: Any, whose: dict[str, str]) -> pd.DataFrame:
    """Rows of the postcode directory of one authority, its postcodes spread over its areas (numbers of LSOAs)."""
    area = areas[np.arange(len(postcodes)) % len(areas)]
    return pd.DataFrame(
        {
            "pcds": postcodes,
            "lsoa21cd": [lsoa_code(i) for i in area],
            "msoa21cd": [f"E0299{9000 + i // 4:04d}" for i in area],
            "osward": [ward_code(i) for i in area],
            "ward_name": [ward_name(i) for i in area],
            **whose,
        }
    )


def _deprivation(areas: "pd.Series[Any]", first: int, step: int) -> pd.DataFrame:
    """Deprivation of areas, spread evenly over the deciles; ranks begin at `first`, `step` apart."""
    codes = np.sort(areas.unique())
    rank = np.arange(len(codes))
    return pd.DataFrame(
        {
            "LSOA code (2021)": codes,
            "Index of Multiple Deprivation (IMD) Rank": first + rank * step,
            "Index of Multiple Deprivation (IMD) Decile": np.minimum(rank * 10 // len(codes) + 1, 10),
            "Income Deprivation Affecting Children Index (IDACI) Decile": np.minimum(
                (rank * 7 % len(codes)) * 10 // len(codes) + 1, 10
            ),
        }
    )


def write_registers(out: Path, register: pd.DataFrame, la: str, la_name: str, ons_code: str) -> list[Path]:
    """The three reference files. Returns their paths."""
    paths = []
    folder = out / "establishment_register"
    folder.mkdir(parents=True, exist_ok=True)
    register.insert(1, "TypeOfEstablishment (code)", register["TypeOfEstablishment (name)"].map(TYPE_CODES))
    register["EstablishmentStatus (code)"] = register["EstablishmentStatus (name)"].map({"Open": "1", "Closed": "2"})
    register.drop(columns="line").to_csv(folder / f"register_{REGISTER_DATE}.csv", index=False)
    paths.append(folder / f"register_{REGISTER_DATE}.csv")
    here = _directory(postcode_list(), np.arange(AREAS), {"oslaua": ons_code, "la_code": la, "la_name": la_name})
    # homes of the children who come over the border for school
    there = {"oslaua": NEIGHBOUR_ONS_CODE, "la_code": NEIGHBOUR[0], "la_name": NEIGHBOUR[1]}
    directory = pd.concat([here, _directory(neighbouring_postcodes(), np.arange(500, 505), there)], ignore_index=True)
    folder = out / "postcode_directory"
    folder.mkdir(parents=True, exist_ok=True)
    directory.to_csv(folder / f"postcodes_{REGISTER_DATE}.csv", index=False)
    paths.append(folder / f"postcodes_{REGISTER_DATE}.csv")
    areas = [(here, 700, 1350), (directory.iloc[len(here) :], 1000, 5000)]
    deprivation = pd.concat([_deprivation(rows["lsoa21cd"], *ranks) for rows, *ranks in areas], ignore_index=True)
    folder = out / "deprivation"
    folder.mkdir(parents=True, exist_ok=True)
    deprivation.to_csv(folder / f"deprivation_{REGISTER_DATE}.csv", index=False)
    paths.append(folder / f"deprivation_{REGISTER_DATE}.csv")
    return paths
