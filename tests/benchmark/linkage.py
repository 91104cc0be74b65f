"""How long linking takes, how much memory, and how often it is right, of any number of invented persons.

    python -m tests.benchmark.linkage
    python -m tests.benchmark.linkage --pupils 200000 --patients 50000

A school census of so many pupils and a waiting list of so many patients, nine in ten of them pupils, are written into a store
as landing leaves them: vault, landed rows of persons and landing record. Nothing is landed, so that linking alone is measured.
Names are drawn unevenly, as real ones are; one pupil in fifty has a twin, half the patients have a UPN in the list, and each
kind of error is made of a fiftieth of them. Linking and measuring are done in a process of their own, as a run does them. The
clock depends on what else runs; processor time counts every thread. Memory is the highest that the process held
above what it held before; Linux only.
"""

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.bench.measure import Usage, apart, best_of
from orchestration.linkage.child_key import link_children
from orchestration.linkage.quality import PairQuality, keep_truth, measure_links
from orchestration.privacy.vault import identity_dir, vault_session, write_vault
from orchestration.returns.spec import load_spec
from orchestration.returns.submission import Delivery, Submission, TableRows, landing_dir, write_landing
from orchestration.settings import Settings
from orchestration.sql_text import literal
from orchestration.warehouse import prepare_store

CENSUS, LIST = "school_census", "therapy_waiting_list"
LANDING = "benchmark"
PATIENTS_AT_SCHOOL = 0.9
SLIP_SHARE = 0.02
SLIPS = ("misspelt", "transposed", "nickname", "changed_surname", "day_and_month_swapped", "one_day_off", "moved")
TWIN_EVERY = 50
SURNAMES, FORENAMES = 6_000, 900


@dataclass(frozen=True)
class Benchmark:
    """What linking and measuring took, and what came of it."""

    pupils: int
    patients: int
    measured: dict[str, Usage]
    pairs: list[PairQuality]
    split: int
    merged: int


def invent(folder: Path, pupils: int, patients: int) -> None:
    """A store that holds a census of so many pupils and a list of so many patients, with the truth of both."""
    settings = _settings(folder)
    prepare_store(settings)
    with vault_session(settings, settings.vault_dir / "benchmark_spill") as connection:
        _people(connection, pupils, patients)
        pupil = {
            "submission_id": "'census'", "row_person_ref": "'pupil-' || person", "upn": "upn", "surname": "surname",
            "forename": "forename", "birth_date": "birth_date", "roll_code": "'on'", "sex_code": "sex",
        }  # fmt: skip
        home = {
            "submission_id": "'census'", "row_person_ref": "'pupil-' || person", "address_key": "'home-' || person",
            "postcode": "postcode",
        }  # fmt: skip
        patient = {
            "submission_id": "'list'", "row_person_ref": "'patient-' || person", "upn": "told_upn",
            "local_patient_id": "'P' || person", "nhs_number": "nhs_number", "surname": "told_surname",
            "forename": "told_forename", "birth_date": "told_birth_date", "postcode": "told_postcode", "sex_code": "sex",
        }  # fmt: skip
        _put(connection, settings, CENSUS, "2026-01", "pupil", {"census_pupil": pupil, "census_address": home}, hour=8)
        _put(connection, settings, LIST, "2026-01-31", "patient", {"therapy_referral": patient}, hour=9)
        truth = folder / "truth.parquet"
        connection.execute(
            f"""
            copy (
                select '{CENSUS}' as return_id, upn, null::varchar as local_id, surname, forename, birth_date, person,
                    if(is_twin, ['twin'], []) as groups
                from pupil
                union all
                select '{LIST}', told_upn, 'P' || person, told_surname, told_forename, told_birth_date, person,
                    list_filter([slip, if(told_upn is null, 'no_upn', null), if(is_twin, 'twin', null)], lambda name: name is not null)
                from patient
            ) to {literal(str(truth))} (format parquet)
            """
        )
    keep_truth(settings, truth)


def _settings(folder: Path) -> Settings:
    return Settings(store=folder / "store", raw=folder / "raw", key_file=folder / "key" / "secret.key")


def _people(connection: duckdb.DuckDBPyConnection, pupils: int, patients: int) -> None:
    """Tables `pupil` and `patient`; the patient is the person that it is in both."""
    newcomers = patients - round(PATIENTS_AT_SCHOOL * patients)
    connection.execute("create macro lot(person, what) as (hash(person || what) % 1000000) / 1000000.0")
    # 20 x 15 x 20 surnames and 30 x 30 forenames, the first of them far likelier than the last.
    parts = {
        "head": "Bra Cro Dun Fel Gar Hol Jes Kel Lan Mor Nor Pem Qui Ros Sta Tre Ulv Ver Wen Yar",
        "middle": "an ber den el fin gar hol in ker lo man nor or per ru",
        "tail": "by dale ford gate ham hurst ley low mere more ner ridge shaw stead ton ville well wick wood worth",
        "first": "Ab Al An Ar Be Bo Ca Ce Da De El Em Fa Fi Ga Ha Is Ja Jo Ka La Li Ma Mi Ni Or Pa Ra So Ta",
        "last": "bel bert by cia da den dia ella en fer gan ia ina ira la len lia lo mar na nie no on ra ric ro sa son ta vin",
    }
    for name, texts in parts.items():
        listed = ", ".join(f"'{text}'" for text in texts.split())
        connection.execute(
            f"create macro {name}(n) as (list_extract([{listed}], 1 + (n::bigint % {len(texts.split())})))"
        )
    connection.execute("create macro surname_of(n) as (head(n) || middle(n // 20) || tail(n // 300))")
    connection.execute("create macro forename_of(n) as (first(n) || last(n // 30))")
    connection.execute(
        f"""
        create table person as
        with drawn as (
            select person, person % {TWIN_EVERY} < 2 and person < {2 * (pupils // 2)} as is_twin,
                if(person % {TWIN_EVERY} = 1, person - 1, person) as family
            from range({pupils + newcomers}) as numbers (person)
        ),
        named as (
            select person, is_twin,
                floor({SURNAMES} * power(lot(family, 'surname'), 3))::bigint as surname_number,
                (floor({FORENAMES} * power(lot(family, 'forename'), 3))::bigint + (person - family)) % {FORENAMES}
                    as forename_number,
                date '2008-01-01' + (6500 * lot(family, 'born'))::integer as birth_date,
                'ZZ' || (1 + floor(lot(family, 'district') * 90))::bigint || ' ' || (1 + floor(lot(family, 'sector') * 9))::bigint
                    || 'AB' as postcode,
                if(lot(person, 'sex') < 0.5, 'M', 'F') as sex
            from drawn
        )
        select *, surname_of(surname_number) as surname, forename_of(forename_number) as forename,
            'A' || lpad(person::varchar, 12, '0') as upn, '999' || lpad(person::varchar, 7, '0') as nhs_number
        from named
        """
    )
    connection.execute(f"create table pupil as from person where person < {pupils}")
    slips = ", ".join(literal(slip) for slip in SLIPS)
    connection.execute(
        f"""
        create table patient as
        with listed as (
            (from person where person < {pupils} order by lot(person, 'listed') limit {patients - newcomers})
            union all by name
            (from person where person >= {pupils})
        ),
        slipped as (
            select *, list_extract([{slips}], 1 + floor(lot(person, 'slip') / {SLIP_SHARE})::bigint) as slip,
                person >= {pupils} as is_newcomer
            from listed
        ),
        told as (
        select person, is_twin, sex, surname, forename, birth_date, postcode, slip,
            if(lot(person, 'numbered') < 0.97, nhs_number, null) as nhs_number,
            if(lot(person, 'told') < 0.5 and not is_newcomer, upn, null) as told_upn,
            case slip
                when 'misspelt' then left(surname, 3) || substr(surname, 5)
                when 'transposed' then left(surname, 2) || substr(surname, 4, 1) || substr(surname, 3, 1) || substr(surname, 5)
                when 'changed_surname' then surname_of((surname_number + 1 + floor(lot(person, 'other') * 5000)::bigint) % {SURNAMES})
                else surname end as told_surname,
            if(slip = 'nickname', left(forename, 3), forename) as told_forename,
            case
                when slip = 'one_day_off' then birth_date + 1
                when slip = 'day_and_month_swapped' and day(birth_date) <= 12
                    then make_date(year(birth_date), day(birth_date), month(birth_date))
                else birth_date end as told_birth_date,
            if(slip = 'moved', 'ZZ99 9XY', postcode) as told_postcode
        from slipped
        )
        select * replace (
            if(
                (told_surname, told_forename, told_birth_date, told_postcode) = (surname, forename, birth_date, postcode),
                null, slip
            ) as slip
        )
        from told
        """
    )


def _put(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    return_id: str,
    period: str,
    people: str,
    tables: dict[str, dict[str, str]],
    *,
    hour: int,
) -> None:
    """One accepted submission with a row a person in each of its tables: in the vault, landed, and in the record of the landing.

    `tables`: SQL of the columns that are told; all others are null.
    """
    spec = load_spec(return_id)
    assert spec.person is not None
    [(rows,)] = connection.execute(f"select count(*) from {people}").fetchall()
    first = next(iter(tables.values()))
    submission = Submission(
        submission_id=first["submission_id"].strip("'"), return_id=return_id, period=period, supplier="benchmark", sequence="1",
        received_at=f"2026-03-01T{hour:02}:00:00+00:00", spec_version=spec.spec_version, source_file="benchmark", sha256="",
        delivery_sha256="", tables={table: TableRows(rows, rows, 0) for table in tables}, status="accepted", landing=LANDING,
        people="invented",
    )  # fmt: skip
    folder = landing_dir(settings, submission)
    folder.mkdir(parents=True)
    for table, told in tables.items():
        of_vault = [
            name
            for name, column in spec.tables[table].columns.items()
            if column.privacy != "keep" or name == spec.person.repeats_by
        ]
        kept = ", ".join(
            f'{told.get(name, "null::varchar")} as "{name}"'
            for name in ("submission_id", spec.tables[table].key, *of_vault)
        )
        path = identity_dir(settings, return_id, LANDING) / f"{table}.parquet"
        write_vault(connection, f"select {kept} from {people}", path)
        landed = ", ".join(
            f'cast({told.get(name, "null")} as {type_}) as "{name}"' for name, type_ in spec.landed_types(table).items()
        )
        target = literal(str(folder / f"{table}.parquet"))
        connection.execute(f"copy (select {landed} from {people}) to {target} (format parquet, compression zstd)")
    delivery = Delivery(return_id, return_id, "benchmark", submission.received_at, [submission.submission_id])
    write_landing(folder, [submission], [delivery])


def benchmark(folder: Path, pupils: int, patients: int) -> Benchmark:
    """Link and measure what `invent` made, in this process."""
    settings = _settings(folder)
    linking, _ = best_of(1, lambda: link_children(settings))
    measuring, quality = best_of(1, lambda: measure_links(settings))
    return Benchmark(
        pupils,
        patients,
        {"linking": linking, "measuring": measuring},
        quality.pairs,
        sum(one.split_persons for one in quality.within),
        sum(one.merged_keys for one in quality.within),
    )


def tables_of(found: Benchmark) -> list[Table]:
    """What it took, and what came of it."""
    title = f"{found.pupils:,} pupils and {found.patients:,} patients"
    took = Table("", "seconds", "processor s", "memory, MB", title=title)
    for name, measured in found.measured.items():
        peak = "" if measured.peak_bytes is None else f"{measured.peak_bytes / 1e6:.0f}"
        took.add_row(name, f"{measured.seconds:.1f}", f"{measured.cpu_seconds:.1f}", peak)
    came = Table(
        "people", "step", "true pairs", "found", "right", "precision", "recall",
        title=f"{found.split} split persons, {found.merged} merged keys",
    )  # fmt: skip
    for pair in found.pairs:
        if pair.return_id == CENSUS:
            shares = ["" if share is None else f"{share:.5f}" for share in (pair.precision, pair.recall)]
            true = "" if pair.true_pairs is None else f"{pair.true_pairs:,}"
            came.add_row(
                pair.group, pair.match_strength, true, f"{pair.found_pairs:,}", f"{pair.right_pairs:,}", *shares
            )
    for table in (took, came):
        for column in table.columns[1:]:
            column.justify = "right"
    return [took, came]


def main() -> None:
    """Invent, link, measure and print tables or JSON."""
    parser = argparse.ArgumentParser(description="Linking of invented persons: time, memory, precision and recall.")
    parser.add_argument("--pupils", type=int, default=200_000)
    parser.add_argument("--patients", type=int, default=50_000)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        apart(invent, Path(name), chosen.pupils, chosen.patients)
        found = apart(benchmark, Path(name), chosen.pupils, chosen.patients)
    console = Console()
    if chosen.json:
        console.print_json(json.dumps(asdict(found)))
        return
    for table in tables_of(found):
        console.print(table)


if __name__ == "__main__":
    main()
