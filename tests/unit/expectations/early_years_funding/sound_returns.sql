-- Two sound headcounts, in which no rule finds anything: autumn of 2025 and spring of 2026, whose children are a term older.
insert into early_years_cover by name
select term || right(headcount_year::varchar, 2) as submission_id, submission_id || ' cover.csv' as source_file, 1 as source_row, *
    rename (term as term_code)
from (
    values (1, '372', 2025, 'AUT', 1), (2, '372', 2026, 'SPR', 1)
) as covers (record, la_code, headcount_year, term, version);

insert into early_years_setting by name
select
    submission_id,
    submission_id || ' settings.csv' as source_file,
    setting.number as source_row,
    10 * cover.record + setting.number as record,
    cover.record as parent_record,
    setting.setting_id,
    setting.setting_kind
from early_years_cover as cover
cross join (
    values (1, 'EY001', 'DAY_NURSERY'), (2, 'EY002', 'CHILDMINDER'), (3, 'EY003', 'PRE_SCHOOL')
) as setting (number, setting_id, setting_kind);

insert into early_years_place by name
select
    submission_id,
    submission_id || ' places.csv' as source_file,
    place.number as source_row,
    100 * cover.record + place.number as record,
    cover.record as parent_record,
    place.* exclude (number)
from early_years_cover as cover
cross join (
    values
    (1, 'EY001', '2022-01', 'THREE_FOUR_EXTENDED', 'NONE', 4, 1500, 0, 0, 0),
    (2, 'EY001', '2022-01', 'THREE_FOUR_EXTENDED', 'HIGH', 1, 400, 1800, 1, 938),
    (3, 'EY002', '2023-06', 'TWO_WORKING', 'EMERGING', 2, 600, 900, 0, 0),
    (4, 'EY002', '2024-09', 'UNDER_2', 'NONE', 2, 600, 0, 0, 0)
) as place (
    number, setting_id, birth_month, entitlement, inclusion_level, child_count, funded_hours, senif_gbp, daf_child_count, daf_gbp
);
