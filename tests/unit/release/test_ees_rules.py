"""Every rule of the open data files with a pair of files that keeps it and one that breaks it."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestration.release.ees_rules import FILTER_ITEMS, RULES, Context, Finding, check_open_data, holds_item

STEM = "ehcp_by_sex"
DATA = """\
time_period,time_identifier,geographic_level,country_code,country_name,region_code,region_name,old_la_code,new_la_code,la_name,sex,ehcp_count,ehcp_pct
202425,Academic year,National,E92000001,England,,,,,,Total,638745,5.3
202425,Academic year,National,E92000001,England,,,,,,Male,459896,z
202425,Academic year,Regional,E92000001,England,E12000003,Yorkshire and The Humber,,,,Total,57864,4.9
202425,Academic year,Regional,E92000001,England,E12000003,Yorkshire and The Humber,,,,Male,42000,z
202425,Academic year,Local authority,E92000001,England,E12000003,Yorkshire and The Humber,372,E08000018,Rotherham,Total,3623,6.4
202425,Academic year,Local authority,E92000001,England,E12000003,Yorkshire and The Humber,372,E08000018,Rotherham,Male,c,z
"""
META = """\
col_name,col_type,label,indicator_grouping,indicator_unit,indicator_dp,filter_hint,filter_grouping_column
sex,Filter,Sex,,,,,
ehcp_count,Indicator,Number of EHC plans,Plans,,0,,
ehcp_pct,Indicator,Pupils with an EHC plan,,%,1,,
"""
OWN_ROW = "Local authority,E92000001,England,E12000003,Yorkshire and The Humber,372,E08000018,Rotherham"
# Filters of two levels: breakdowns belong to a topic.
TOPICS = [("sex,ehcp", "breakdown_topic,breakdown,ehcp"), (",Total,", ",Total,Total,"), (",Male,", ",Sex,Male,")]
TOPIC_META = [
    ("filter_grouping_column", "filter_grouping_column,parent_filter"),
    (
        "sex,Filter,Sex,,,,,\n",
        "breakdown_topic,Filter,Breakdown topic,,,,,,\nbreakdown,Filter,Breakdown,,,,,,breakdown_topic\n",
    ),
    (",0,,\n", ",0,,,\n"),
    ("%,1,,\n", "%,1,,,\n"),
]
Edits = list[tuple[str, str]]


@dataclass(frozen=True)
class Case:
    """Edits of the sound pair: `data` and `meta` by text, and another name."""

    data: Edits = field(default_factory=list)
    meta: Edits = field(default_factory=list)
    stem: str = STEM
    context: Context | None = None

    def write(self, folder: Path) -> None:
        texts = {".csv": (DATA, self.data), ".meta.csv": (META, self.meta)}
        for suffix, (sound, edits) in texts.items():
            edited = sound
            for old, new in edits:
                assert old in edited, old
                edited = edited.replace(old, new)
            (folder / f"{self.stem}{suffix}").write_text(edited, encoding="utf-8")


def calendar(old: str) -> Edits:
    return [("202425,Academic year", old)]


SUPPRESSED = Context(suppressed={("ehcp_count", "Academic year"): 1})
PASSES: dict[str, list[Case]] = {rule_id: [Case()] for rule_id in RULES} | {
    "EES-02": [Case(stem="ehcp-by_sex2"), Case(stem="a" * 50)],
    "EES-03": [Case(data=[("Male", '"Male, ""m"""')], meta=[("Number of EHC plans", '"Plans, number"')])],
    "EES-05": [Case(), Case(data=[(f"{line}\n", "") for line in DATA.splitlines() if "Rotherham" in line])],
    "EES-07": [
        Case(data=[("E12000003,Yorkshire and The Humber", "x,Not available")]),
        Case(data=[("372,E08000018,Rotherham", "x,x,Not available")]),
    ],
    "EES-08": [
        Case(data=[("372,E08000018", "372,x")]),
        Case(context=Context(authorities=[("372", "E08000018", "Rotherham"), ("x", "E08000016", "Barnsley")])),
    ],
    "EES-09": [Case(), Case(data=calendar("209900,Academic year")), Case(data=calendar("2024,Calendar year"))],
    "EES-10": [
        Case(data=calendar("2024,Calendar year")),
        Case(data=calendar("2024,October")),
        Case(data=calendar("202425,Financial year Q4")),
        Case(data=calendar("2024,Week 52")),
    ],
    "EES-11": [Case(data=calendar("202425,Autumn and spring term"))],
    "EES-12": [Case(data=[("Academic year,National", "Autumn term,National"), ("Academic year", "Summer term")])],
    "EES-14": [Case(meta=[("%", unit)]) for unit in ("%", "pp", "£", "£m", "numberstring", "")],
    "EES-16": [Case(meta=[("%,1", "%,10")])],
    "EES-18": [Case(meta=[("sex,Filter,Sex,,,,,", "sex,Filter,Sex,,,,Kind of child,")])],
    "EES-20": [
        Case(),
        Case(
            data=[(",Total,", ",Female,")],
            meta=[
                ("filter_grouping_column", "filter_grouping_column,filter_default"),
                ("sex,Filter,Sex,,,,,", "sex,Filter,Sex,,,,,,Female"),
                (",0,,", ",0,,,"),
                ("%,1,,", "%,1,,,"),
            ],
        ),
    ],
    "EES-21": [Case(), Case(data=TOPICS, meta=TOPIC_META)],
    "EES-24": [
        Case(data=[("ehcp_count", "ehcp_female_count")], meta=[("ehcp_count", "ehcp_female_count")]),
        Case(data=[("ehcp_count", "ehcp_total")], meta=[("ehcp_count", "ehcp_total")]),
        # Sex is a heading there, and no group of children.
        Case(
            data=[*TOPICS, ("ehcp_count", "sex_count")],
            meta=[*TOPIC_META, ("ehcp_count", "sex_count")],
        ),
    ],
    "EES-27": [
        Case(data=[(",5.3", ",0.3"), (",4.9", ",0.9")]),
        Case(data=[(",5.3", ",0"), (",4.9", ",1"), (",6.4", ",1")]),
        Case(data=[(",5.3", ",0.3"), (",4.9", ",0.9"), (",6.4", ",0.4")], meta=[("%,1", ",1")]),
    ],
    "EES-28": [Case(data=[(",5.3", symbol)]) for symbol in (",z", ",x", ",c", ",low", ",k", ",u", ",-2.75")]
    + [Case(data=[(",5.3", ",over a year")], meta=[("%", "numberstring")])],
    "EES-29": [Case(data=[(",5.3", ",-5.3")])],
    "EES-30": [Case(context=SUPPRESSED), Case(data=[("Male,c", "Male,0")])],
    "EES-31": [Case(meta=[("Number of EHC plans", "N" * 80)], data=[("Male", "M" * 120)])],
}
FAILS: dict[str, list[Case]] = {
    "EES-02": [
        Case(stem="EHCP_by_sex"),
        Case(stem="ehcp by sex"),
        Case(stem="a" * 51),
        Case(stem="ehcp_2024"),
        Case(stem="ehcp_202425_by_sex"),
        Case(stem="ehcp_england"),
        Case(stem="rotherham_ehcp"),
    ],
    "EES-03": [
        Case(data=[(",", ";")]),
        Case(data=[("ehcp_pct", "ehcp_count")]),
        Case(data=[(",5.3", "")]),
        Case(data=[(",5.3", ",5.3,1")]),
        Case(data=[(f"{DATA.splitlines()[1]}\n", f"{DATA.splitlines()[0]}\n")]),
        Case(meta=[("sex,Filter,Sex,,,,,", "sex,Filter,Sex")]),
    ],
    "EES-04": [Case(data=[("country_name", "country")]), Case(data=[("time_identifier", "identifier")])],
    "EES-05": [Case(data=[("new_la_code", "la_code")]), Case(data=[("region_name", "region")])],
    "EES-06": [
        Case(data=[("Yorkshire and The Humber,,,,Total", "Yorkshire and The Humber,372,,,Total")]),
        Case(data=[(OWN_ROW, OWN_ROW.replace("E12000003,Yorkshire and The Humber", ","))]),
        Case(data=[("National,E92000001,England,,", "National,E92000001,England,E12000003,London")]),
        Case(data=[("Local authority", "Borough")]),
    ],
    "EES-07": [
        Case(data=[("Rotherham,Total", ",Total")]),
        Case(data=[("372,E08000018", ",E08000018")]),
        Case(data=[("Regional,E92000001,England,E12000003", "Regional,E92000001,England,")]),
        Case(data=[("E12000003,Yorkshire and The Humber", "x,Yorkshire and The Humber")]),
        Case(data=[("372,E08000018,Rotherham", "372,E08000018,Not available")]),
        Case(data=[("372,E08000018", "x,x")]),
    ],
    "EES-08": [
        Case(data=[("England", "Great Britain")]),
        Case(data=[("E12000003", "E12000002")]),
        Case(data=[("372,", "37,")]),
        Case(data=[("E08000018", "W06000001")]),
        Case(data=[("Rotherham,Total", "Sheffield,Total")], context=Context(authorities=[("372", "x", "Rotherham")])),
        Case(context=Context(authorities=[("x", "E08000019", "Rotherham")])),
    ],
    "EES-09": [
        Case(data=calendar("202426,Academic year")),
        Case(data=calendar("2024/25,Academic year")),
        Case(data=calendar("202423,Academic year")),
    ],
    "EES-10": [
        Case(data=calendar("2024,Academic year")),
        Case(data=calendar("202425,Calendar year")),
        Case(data=calendar("202425,October")),
        Case(data=calendar("2024,Financial year Q1")),
        Case(data=calendar("202425,School year")),
    ],
    "EES-11": [Case(data=calendar("2024,Autumn term"))],
    "EES-12": [Case(data=[("Academic year,National", "Financial year,National")])],
    "EES-13": [
        Case(meta=[("filter_hint", "hint")]),
        Case(
            meta=[
                ("filter_grouping_column", "filter_grouping_column,owner"),
                ("\nsex,Filter,Sex,", "\nsex,Filter,Sex,,"),
                (",0,,", ",0,,,"),
                ("%,1,,", "%,1,,,"),
            ]
        ),
    ],
    "EES-14": [Case(meta=[("%", "percent")]), Case(meta=[("sex,Filter", "sex,filter")])],
    "EES-15": [
        Case(meta=[("sex,Filter,Sex,,,,", "sex,Filter,Sex,,,0,")]),
        Case(meta=[("Filter,Sex,", "Filter,Sex,S")]),
    ],
    "EES-16": [Case(meta=[("%,1", "%,1.5")]), Case(meta=[("%,1", "%,-1")])],
    "EES-17": [Case(meta=[("Number of EHC plans", "")]), Case(meta=[("Number of EHC plans", "Sex")])],
    "EES-18": [
        Case(meta=[("sex,Filter,Sex,,,,,\n", "")]),
        Case(meta=[("sex,Filter,Sex,,,,,\n", "sex,Filter,Sex,,,,,\nage,Filter,Age,,,,,\n")]),
        Case(meta=[("sex,Filter,Sex,,,,,\n", "sex,Filter,Sex,,,,,\nla_name,Filter,Place,,,,,\n")]),
        Case(meta=[("sex,Filter,Sex,,,,,\n", "sex,Filter,Sex,,,,,\nsex,Filter,Gender,,,,,\n")]),
        Case(meta=[("sex,Filter,Sex,,,,,", "sex,Filter,Sex,,,,,kind")]),
    ],
    "EES-19": [
        Case(
            data=[(",Male,", ",Total,"), ("202425,Academic year,National,E92000001,England,,,,,,Total,459896,z\n", "")]
        ),
        Case(data=[(",Male,", ",,")]),
    ],
    "EES-20": [Case(data=[(",Total,", ",Female,")])],
    "EES-21": [
        Case(
            data=[
                (
                    "202425,Academic year,Regional,E92000001,England,E12000003,Yorkshire and The Humber,,,,Male,42000,z\n",
                    "",
                )
            ]
        ),
        # Two filters that do not depend on each other: no row is about the sexes together under the topic Sex.
        Case(data=TOPICS, meta=[*TOPIC_META, (",breakdown_topic\n", ",\n")]),
    ],
    "EES-22": [Case(data=[("Rotherham", "Total")]), Case(data=[("Yorkshire and The Humber,,,,", "All,,,,")])],
    "EES-23": [Case(data=[("Male,42000", "Total,42000")])],
    "EES-24": [
        Case(data=[("ehcp_count", "ehcp_male_count")], meta=[("ehcp_count", "ehcp_male_count")]),
        Case(data=[("ehcp_count", "male"), ("Male", "male")], meta=[("ehcp_count", "male")]),
    ],
    "EES-26": [
        Case(data=[("ehcp_count", "EHCP_count")], meta=[("ehcp_count", "EHCP_count")]),
        Case(data=[("ehcp_count", "2024_count")], meta=[("ehcp_count", "2024_count")]),
        Case(data=[("ehcp_count", "ehcp_maintained")], meta=[("ehcp_count", "ehcp_maintained")]),
    ],
    "EES-27": [Case(data=[(",5.3", ",0.053"), (",4.9", ",0.049"), (",6.4", ",0.064")])],
    "EES-28": [
        Case(data=[(",5.3", cell)]) for cell in (",", ",~", ",:", ",NULL", ",null", ",NA", ",[c]", ',"5,3"', ",5.3%")
    ],
    "EES-29": [Case(data=[(",5.3", cell)]) for cell in (",N/A", ",.", ",..", ",-")],
    "EES-30": [
        Case(data=[("Male,c", "Male,0")], context=SUPPRESSED),
        Case(data=[("Male,c", "Male,2100")], context=SUPPRESSED),
        Case(context=Context(suppressed={("ehcp_pct", "Academic year"): 1})),
    ],
    "EES-31": [
        Case(meta=[("Number of EHC plans", "N" * 81)]),
        Case(data=[("Male", "M" * 121)]),
        Case(data=[("ehcp_count", "c" * 51)], meta=[("ehcp_count", "c" * 51)]),
        Case(data=[("E08000018", "E" * 31)]),
    ],
}
ABOUT_META = {"EES-13", "EES-14", "EES-15", "EES-16", "EES-17"}


def pairs(cases: dict[str, list[Case]]) -> list[object]:
    return [
        pytest.param(rule_id, case, id=f"{rule_id}-{number}")
        for rule_id, listed in cases.items()
        for number, case in enumerate(listed, 1)
    ]


def check(case: Case, folder: Path) -> list[Finding]:
    case.write(folder)
    return check_open_data(folder, case.context)


def test_every_rule_has_a_case_of_each_kind() -> None:
    assert sorted(RULES) == [f"EES-{number:02}" for number in range(1, 32)]
    # Too long a file to write out, and folders: below.
    assert set(FAILS) == set(RULES) - {"EES-01", "EES-25"}
    assert {rule.severity for rule in RULES.values()} == {"fail", "warn"}
    assert [rule_id for rule_id, rule in RULES.items() if rule.severity == "warn"] == [
        "EES-02", "EES-20", "EES-21", "EES-26", "EES-27", "EES-29", "EES-31",
    ]  # fmt: skip


def test_the_sound_pair_breaks_no_rule(tmp_path: Path) -> None:
    assert check(Case(context=SUPPRESSED), tmp_path) == []


@pytest.mark.parametrize(("rule_id", "case"), pairs(PASSES))
def test_a_pair_that_keeps_the_rule_has_no_finding_of_it(rule_id: str, case: Case, tmp_path: Path) -> None:
    assert [finding for finding in check(case, tmp_path) if finding.rule_id == rule_id] == []


@pytest.mark.parametrize(("rule_id", "case"), pairs(FAILS))
def test_a_pair_that_breaks_the_rule_is_named_with_its_file(rule_id: str, case: Case, tmp_path: Path) -> None:
    found = [finding for finding in check(case, tmp_path) if finding.rule_id == rule_id]
    assert found
    assert {finding.severity for finding in found} == {RULES[rule_id].severity}
    about_meta = rule_id in ABOUT_META or (rule_id == "EES-03" and case.meta)
    file = f"{case.stem}.meta.csv" if about_meta else f"{case.stem}.csv"
    assert {finding.file for finding in found} == {"every file" if rule_id == "EES-30" else file}


def test_ees_01_a_file_without_its_partner_and_a_stranger_are_named(tmp_path: Path) -> None:
    Case().write(tmp_path)
    (tmp_path / f"{STEM}.meta.csv").rename(tmp_path / "other.meta.csv")
    (tmp_path / "read_me.txt").touch()
    found = check_open_data(tmp_path)
    assert [(finding.rule_id, finding.file) for finding in found] == [
        ("EES-01", "ehcp_by_sex.csv"),
        ("EES-01", "other.meta.csv"),
        ("EES-01", "read_me.txt"),
    ]
    assert found[0].sentence == "has no ehcp_by_sex.meta.csv beside it"


def test_ees_03_a_file_in_another_encoding_is_not_read(tmp_path: Path) -> None:
    Case().write(tmp_path)
    (tmp_path / f"{STEM}.csv").write_bytes(DATA.replace("Male", "Mäle").encode("latin-1"))
    (tmp_path / "empty.csv").touch()
    (tmp_path / "empty.meta.csv").write_text(META)
    assert [(finding.rule_id, finding.file, finding.sentence) for finding in check_open_data(tmp_path)] == [
        ("EES-03", f"{STEM}.csv", "the file is not UTF-8 text"),
        ("EES-03", "empty.csv", "the file has no header row"),
    ]


def test_ees_08_an_authority_has_one_name_and_code_in_every_file(tmp_path: Path) -> None:
    Case().write(tmp_path)
    Case(stem="ehcp_later", data=[("E08000018", "E08000019")]).write(tmp_path)
    assert [(finding.rule_id, finding.file, finding.sentence) for finding in check_open_data(tmp_path)] == [
        ("EES-08", "ehcp_later.csv", "372 E08000019 Rotherham is elsewhere 372 E08000018 Rotherham")
    ]


def test_ees_16_decimal_places_that_are_not_set_only_warn(tmp_path: Path) -> None:
    [finding] = check(Case(meta=[("%,1", "%,")]), tmp_path)
    assert (finding.rule_id, finding.severity) == ("EES-16", "warn")


@pytest.mark.parametrize(("count", "findings"), [(FILTER_ITEMS, []), (FILTER_ITEMS + 1, ["EES-25"])])
def test_ees_25_a_filter_has_so_many_items_and_no_more(tmp_path: Path, count: int, findings: list[str]) -> None:
    Case().write(tmp_path)
    header, row = DATA.splitlines()[:2]
    items = ["Total", *(f"item {number}" for number in range(count - 1))]
    rows = [row.replace("Total", item) for item in items]
    (tmp_path / f"{STEM}.csv").write_text("\n".join([header, *rows, ""]))
    assert [finding.rule_id for finding in check_open_data(tmp_path)] == findings


@pytest.mark.parametrize(
    ("name", "item", "is_held"),
    [
        ("pupil_count_male", "Male", True),
        ("pupil_count_female", "Male", False),
        ("high_needs_spend", "High needs", True),
        ("ehcp_total", "Total", False),
        ("ehcp_count", "!", False),
    ],
)
def test_a_name_holds_an_item_as_whole_words(name: str, item: str, is_held: bool) -> None:
    assert holds_item(name, item) == is_held
