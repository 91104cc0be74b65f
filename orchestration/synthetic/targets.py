"""The published figures of one authority, as targets: the latest sound release of each cell, in one vocabulary."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from orchestration.errors import CornerstoneError

TOTAL = "all"
"""The code of a total: one row per table and period."""

ETHNICITY_CODES = {
    "Any other ethnic group": "OOTH",
    "Asian - Any other Asian background": "AOTH",
    "Asian - Bangladeshi": "ABAN",
    "Asian - Chinese": "CHNE",
    "Asian - Indian": "AIND",
    "Asian - Pakistani": "APKN",
    "Black - Any other Black background": "BOTH",
    "Black - Black African": "BAFR",
    "Black - Black Caribbean": "BCRB",
    "Mixed - Any other Mixed background": "MOTH",
    "Mixed - White and Asian": "MWAS",
    "Mixed - White and Black African": "MWBA",
    "Mixed - White and Black Caribbean": "MWBC",
    "Unclassified": "NOBT",
    "White - Any other White background": "WOTH",
    "White - Gypsy/Roma": "WROM",
    "White - Irish": "WIRI",
    "White - Traveller of Irish heritage": "WIRT",
    "White - White British": "WBRI",
}
"""Published ethnic group -> the main code of the DfE list that a return would carry."""

NEED_CODES = {
    "asd": "ASD", "ds": "DS", "hi": "HI", "mld": "MLD", "msi": "MSI", "oth": "OTH", "pd": "PD", "pmld": "PMLD",
    "semh": "SEMH", "slcn": "SLCN", "sld": "SLD", "spld": "SPLD", "vi": "VI", "need_unknown": "unknown",
}  # fmt: skip
NEED_LABELS = {
    "Autistic spectrum disorder": "ASD",
    "Down Syndrome": "DS",
    "Hearing impairment": "HI",
    "Moderate learning difficulty": "MLD",
    "Multi-sensory impairment": "MSI",
    "Other difficulty/disability": "OTH",
    "Physical disability": "PD",
    "Profound and multiple learning difficulty": "PMLD",
    "Profound and multiple learning difficulties": "PMLD",
    "Severe learning difficulty": "SLD",
    "Social, emotional and mental health": "SEMH",
    "Specific learning difficulty": "SPLD",
    "Speech, language and communication needs": "SLCN",
    "Vision impairment": "VI",
}

PLACEMENT_LINES = (
    "mainstream_la_maintained",
    "mainstream_la_maintained_resourced_provision",
    "mainstream_la_maintained_senunit",
    "mainstream_academy",
    "mainstream_academy_resourced_provision",
    "mainstream_academy_senunit",
    "mainstream_free_school",
    "mainstream_free_school_resourced_provision",
    "mainstream_free_school_senunit",
    "mainstream_independent",
    "special_la_maintained",
    "special_academy",
    "special_free_school",
    "special_independent",
    "special_non_maintained",
    "ap_pru_academy",
    "ap_pru_free_school",
    "ap_pru_la_maintained",
    "general_fe_tertiary_colleges",
    "specialist_post_16_institutions",
    "ukrlp_provider",
    "elective_home_education",
    "other_arrangements_la",
    "other_arrangements_parents",
    "online_provider",
    "w_settings",
    "other_schools",
    "other_placement_settings",
    "neet",
    "neet_ntci",
    "neet_other",
    "neet_other_csa",
    "nm_early_years",
    "placement_unknown",
)
"""The finest lines of the published placement tables (those of the 2026 release)."""

PLACEMENT_GROUPS = {
    "mainstream_total": tuple(line for line in PLACEMENT_LINES if line.startswith("mainstream_")),
    "special_total": tuple(line for line in PLACEMENT_LINES if line.startswith("special_")),
    "ap_pru_total": tuple(line for line in PLACEMENT_LINES if line.startswith("ap_pru_")),
    "fe_total": ("general_fe_tertiary_colleges", "specialist_post_16_institutions", "ukrlp_provider"),
    "ed_elsewhere": (
        "elective_home_education", "other_arrangements_la", "other_arrangements_parents", "online_provider",
        "w_settings", "other_schools", "other_placement_settings", "neet", "neet_ntci", "neet_other", "neet_other_csa",
    ),
    "special_academy_free": ("special_academy", "special_free_school"),
    "ehcplans": PLACEMENT_LINES,
    "new_ehc_plans": PLACEMENT_LINES,
}  # fmt: skip
"""Published sum line -> its parts. Special academies and special free schools were one line before the 2026 release."""

PLACEMENT_LABELS = {
    "mainstream la maintained": "mainstream_la_maintained",
    "mainstream la maintained resourced provision": "mainstream_la_maintained_resourced_provision",
    "mainstream la maintained sen unit": "mainstream_la_maintained_senunit",
    "mainstream academy": "mainstream_academy",
    "mainstream academy resourced provision": "mainstream_academy_resourced_provision",
    "mainstream academy sen unit": "mainstream_academy_senunit",
    "mainstream free school": "mainstream_free_school",
    "mainstream free school resourced provision": "mainstream_free_school_resourced_provision",
    "mainstream free school sen unit": "mainstream_free_school_senunit",
    "mainstream independent": "mainstream_independent",
    "mainstream total": "mainstream_total",
    "special la maintained": "special_la_maintained",
    "special academy free school": "special_academy_free",
    "special academy free schools": "special_academy_free",
    "special academy": "special_academy",
    "special free school": "special_free_school",
    "special independent": "special_independent",
    "special non maintained": "special_non_maintained",
    "special total": "special_total",
    "ap pru academy": "ap_pru_academy",
    "ap pru free school": "ap_pru_free_school",
    "ap pru la maintained": "ap_pru_la_maintained",
    "ap pru total": "ap_pru_total",
    "fe general fe and tertiary colleges": "general_fe_tertiary_colleges",
    "fe specialist post 16 institutions": "specialist_post_16_institutions",
    "fe ukrlp provider": "ukrlp_provider",
    "fe total": "fe_total",
    "educated elsewhere elective home education": "elective_home_education",
    "educated elsewhere other arrangements by la": "other_arrangements_la",
    "educated elsewhere other arrangements by parents": "other_arrangements_parents",
    "educated elsewhere online provider": "online_provider",
    "educated elsewhere welsh establishment": "w_settings",
    "educated elsewhere other schools": "other_schools",
    "educated elsewhere other placement settings": "other_placement_settings",
    "educated elsewhere neet": "neet",
    "educated elsewhere not in education or training notice to cease issued": "neet_ntci",
    "educated elsewhere not in education or training other": "neet_other",
    "educated elsewhere not in education or training compulsory school age": "neet_other_csa",
    "educated elsewhere total": "ed_elsewhere",
    "non maintained early years": "nm_early_years",
    "placement not recorded": "placement_unknown",
}
"""Label of a "Type of placement" breakdown, lower case, letters and digits only -> line."""

TOPICS = {
    "Child or young persons age": "age",
    "Young persons age": "age",
    "Age at start of academic year": "age",
    "Age plan ceased": "age",
    "Age when plan started": "start_age",
    "Ethnicity": "ethnicity",
    "Sex": "sex",
    "Years EHC plan in place": "years",
    "Years plan held": "years",
    "Type of placement": "placement",
    "Primary type of need": "need",
}

REGIONAL_TOTAL_FAULT = (
    "The release gives every authority of the region the regional total: a known fault of the publication."
)


@dataclass(frozen=True)
class Targets:
    """Published cells of one authority in the years asked for, and the national table where the authority has none.

    `cells` columns: release, table, period (str), topic, code, measure, breakdown_topic and breakdown as published, published
    (float), note (why the cell is no target, else ""). `national` has the same columns for England: a shape to fall back
    on, never a target.
    """

    la_code: str
    la_name: str
    ons_code: str
    region: str
    cells: pd.DataFrame
    national: pd.DataFrame
    scale: float = 1.0
    _tables: dict[tuple[str, str, str], pd.DataFrame] = field(default_factory=dict, repr=False)

    def table(self, table: str, period: str, topic: str) -> pd.DataFrame:
        """The authority's own figures: one row a breakdown code, one column a measure. Empty where not published."""
        key = (table, period, topic)
        if key not in self._tables:
            own = self.cells[
                (self.cells["table"] == table)
                & (self.cells["period"] == period)
                & (self.cells["topic"] == topic)
                & (self.cells["note"] == "")
            ]
            wide = own.set_index(["code", "measure"])["published"].unstack()
            self._tables[key] = (wide * self.scale).round() if self.scale != 1.0 else wide
        found: pd.DataFrame = self._tables[key]
        return found

    def figure(self, table: str, period: str, measure: str, default: float | None = None) -> int | None:
        """One total, or the default where it is not published."""
        wide = self.table(table, period, TOTAL)
        if measure not in wide.columns or wide.empty or np.isnan(wide[measure].iloc[0]):
            return None if default is None else round(default)
        return int(wide[measure].iloc[0])

    def shape(self, table: str, topic: str) -> pd.DataFrame:
        """England's latest figures of that table and topic: a distribution for authorities that publish totals only."""
        national = self.national[(self.national["table"] == table) & (self.national["topic"] == topic)]
        latest = national[national["period"] == national["period"].max()]
        wide: pd.DataFrame = latest.pivot_table(index="code", columns="measure", values="published", aggfunc="first")
        return wide


def _age_code(label: str) -> str:
    digits = "".join(character for character in label if character.isdigit())
    if not digits:
        return "unknown"
    return str(int(digits) - 1) if "under 3" in label.lower() else str(int(digits))


def _years_code(label: str) -> str:
    if label.lower() in ("less than a year", "under a year"):
        return "0"
    return "".join(character for character in label if character.isdigit())


def _placement_code(label: str) -> str:
    plain = "".join(character if character.isalnum() else " " for character in label.lower())
    words = " ".join(plain.split())
    return PLACEMENT_LABELS.get(words, words.replace(" ", "_"))


def _code(topic: str, label: str) -> str:
    readers = {"age": _age_code, "start_age": _age_code, "years": _years_code, "placement": _placement_code}
    lists = {"ethnicity": ETHNICITY_CODES, "need": NEED_LABELS, "sex": {"Male": "M", "Female": "F"}}
    if topic in readers:
        return readers[topic](label)
    return lists[topic].get(label, label) if topic in lists else TOTAL


def _read(figures: Path) -> pd.DataFrame:
    if not figures.is_file():
        raise CornerstoneError(f"The figures file {figures} does not exist: name one with --figures.")
    frame = pd.read_csv(figures, dtype=str, keep_default_na=False)
    if "release_name" in frame.columns:
        frame = frame[frame["dataset"] == "Education, health and care plans"]
        frame = frame.rename(columns={"release_name": "release", "series": "table"})
    needed = {
        "release", "table", "time_period", "time_identifier", "geographic_level", "region_name", "new_la_code",
        "old_la_code", "la_name", "breakdown_topic", "breakdown", "measure", "value",
    }  # fmt: skip
    if missing := sorted(needed - set(frame.columns)):
        raise CornerstoneError(f"The figures file {figures} lacks the columns {', '.join(missing)}.")
    return frame


def _shaped(frame: pd.DataFrame) -> pd.DataFrame:
    """One vocabulary for releases that spell measures, topics and periods differently; latest release of each cell."""
    frame = frame.assign(
        measure=frame["measure"].str.lower(),
        published=pd.to_numeric(frame["value"], errors="coerce"),
        period=frame["time_period"],
        topic=frame["breakdown_topic"].map(TOPICS).fillna(TOTAL),
    )
    percent = frame["measure"].str.contains(r"(?:^pc_|_pc(?:_|$)|^avg_)", regex=True)
    frame = frame[~percent & frame["published"].notna()]
    pairs = frame[["topic", "breakdown"]].drop_duplicates()
    codes = {(topic, label): _code(topic, label) for topic, label in pairs.itertuples(index=False)}
    frame = frame.assign(code=[codes[pair] for pair in zip(frame["topic"], frame["breakdown"], strict=True)])
    year = frame["release"].str.extract(r"(\d{4})")[0].astype(int)
    rank = year * 2 + frame["release"].str.contains("revised").astype(int)
    keys = ["table", "period", "topic", "code", "measure"]
    return (
        frame.assign(rank=rank)
        .sort_values("rank", kind="stable")
        .drop_duplicates(keys, keep="last")
        .loc[:, ["release", *keys, "breakdown_topic", "breakdown", "published"]]
        .reset_index(drop=True)
    )


def read_targets(figures: Path, la: str, years: range, scale: float = 1.0) -> Targets:
    """The targets of authority `la` for the returns of `years` (the stock of those Januaries, the flows of the years before).

    Raises CornerstoneError when the file cannot be used or does not hold the authority.
    """
    raw = _read(figures)
    own = raw[(raw["old_la_code"] == la) & (raw["geographic_level"] == "Local authority")]
    if own.empty:
        raise CornerstoneError(f"The figures file {figures} holds no figures of authority {la}.")
    stock = {f"{year - 1}{year % 100:02d}" for year in years}
    flows = {str(year - 1) for year in years}
    cells = _shaped(own[own["time_period"].isin(stock | flows)])
    note = pd.Series("", index=cells.index)
    regional = raw[(raw["table"] == "newplans") & (raw["measure"] == "new_ehc_plans") & (raw["time_period"] == "2022")]
    regional = regional[(regional["geographic_level"] == "Regional")]
    new_2022 = (cells["table"] == "newplans") & (cells["period"] == "2022") & (cells["measure"] == "new_ehc_plans")
    issued = cells[
        (cells["table"] == "assessments") & (cells["period"] == "2022") & (cells["measure"] == "assess_issued")
    ]
    if not issued.empty:
        absurd = new_2022 & (cells["topic"] == TOTAL) & (cells["published"] > 3 * issued["published"].max())
        note[absurd] = REGIONAL_TOTAL_FAULT
    return Targets(
        la_code=la,
        la_name=own["la_name"].iloc[0],
        ons_code=own["new_la_code"].iloc[0],
        region=own["region_name"].iloc[0],
        cells=cells.assign(note=note),
        national=_shaped(raw[raw["geographic_level"] == "National"]),
        scale=scale,
    )
