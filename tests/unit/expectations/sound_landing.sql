-- New submissions in which no landing rule finds anything. Tables come from the return's specification.
insert into submission_file by name
select *
from (
    values
    ('ees', 'published_statistics', 'caseload.csv', '2025', null, 'ees_row', 4, []::varchar[]),
    ('fig', 'published_statistics', 'published_figures.csv.gz', '2025', null, 'published_figure', 3, []),
    ('chs', 'published_statistics', 'community_health_2025-10-01.xlsx', '2025-10', '2025-10', 'chs_wait', 35, [])
) as files (submission_id, return_id, source_file, period, file_period, table_name, row_count, duplicate_columns);

insert into ees_row by name
select
    'ees' as submission_id,
    'caseload.csv' as source_file,
    'caseload' as series,
    2025 as release_year,
    '202425' as time_period,
    'Academic year' as time_identifier,
    'E92000001' as country_code,
    'England' as country_name,
    'All EHC plans' as breakdown_topic,
    'All EHC plans' as breakdown,
    map {'ehcplans': '3623', 'mainstream_pc': '39.2', 'hospital_school': 'x'} as measures,
    *
from (
    values
    (1, 'National', null, null, null, null, null),
    (2, 'Regional', 'E12000003', 'Yorkshire and The Humber', null, null, null),
    (3, 'Local authority', 'E12000003', 'Yorkshire and The Humber', '372', 'E08000018', 'Rotherham'),
    (4, 'Local authority', 'E12000003', 'Yorkshire and The Humber', '370', 'E08000016', 'Barnsley')
) as places (source_row, geographic_level, region_code, region_name, old_la_code, new_la_code, la_name);

insert into published_figure by name
select
    'fig' as submission_id,
    'published_figures.csv.gz' as source_file,
    'Department for Education' as publisher,
    'Education, health and care plans' as dataset,
    'EHC plans 2025' as release_name,
    2025 as release_year,
    'requests' as series,
    '2024' as time_period,
    'Calendar year' as time_identifier,
    'requests_received_in_year' as measure,
    *
from (
    values
    (1, 'National', null, null, null, '154489'),
    (2, 'Regional', 'Yorkshire and The Humber', null, null, '12345'),
    (3, 'Local authority', 'Yorkshire and The Humber', '372', 'Rotherham', '959')
) as places (source_row, geographic_level, region_name, old_la_code, la_name, value_text);

-- Two providers, one of which sent nothing; three sheets; one line that is suppressed below England.
insert into chs_wait by name
select
    'chs' as submission_id,
    'community_health_2025-10-01.xlsx' as source_file,
    bands.sheet,
    organisations.source_row,
    '2025-10' as data_month,
    '2025-12-11' as published_date,
    3 as layout_era,
    organisations.org_level,
    organisations.org_code,
    organisations.org_name_raw,
    lines.service_line_code,
    lines.age_group,
    bands.band_code,
    case
        when organisations.org_code = 'RXE' then null
        when not lines.is_suppressed then bands.printed
        when organisations.org_level = 'national' and bands.band_code = 'total' then bands.printed
    end as value,
    value::varchar as value_text,
    case
        when value is not null then 'reported'
        when lines.is_suppressed then 'suppressed'
        else 'not_submitted'
    end as value_status
from (
    values
    (6, 'national', null, 'England'),
    (7, 'region', 'Y63', 'NORTH EAST AND YORKSHIRE'),
    (8, 'icb', 'QF7', 'NHS SOUTH YORKSHIRE INTEGRATED CARE BOARD'),
    (9, 'provider', 'RFR', 'THE ROTHERHAM NHS FOUNDATION TRUST'),
    (10, 'provider', 'RXE', 'ROTHERHAM DONCASTER AND SOUTH HUMBER NHS FOUNDATION TRUST')
) as organisations (source_row, org_level, org_code, org_name_raw)
cross join (
    values
    ('therapy_interventions_speech_and_language', 'cyp', false),
    ('therapy_interventions_speech_and_language', 'adult', false),
    ('safeguarding', 'cyp', true)
) as lines (service_line_code, age_group, is_suppressed)
cross join (
    values ('Table 4', 'total', 182), ('Table 4a', 'w00_01', 162), ('Table 4b', 'w01_02', 20)
) as bands (sheet, band_code, printed);

insert into establishment by name
select
    'gias' as submission_id,
    'register_20260105.csv' as source_file,
    '372' as la_code,
    '35' as type_code,
    *
from (
    values (1, '999001', 'Quillmoor Primary School'), (2, '999002', 'Tanglewick Academy')
) as schools (source_row, urn, establishment_name);

insert into postcode by name
select
    'onspd' as submission_id,
    'postcodes_2026.csv' as source_file,
    'E08000018' as la_code,
    *
from (values (1, 'ZZ99 1AA', 'E01999001'), (2, 'ZZ99 1AB', 'E01999002')) as postcodes (source_row, postcode, lsoa_code);

insert into lsoa_deprivation by name
select
    'iod' as submission_id,
    'deprivation_2025.csv' as source_file,
    *
from (values (1, 'E01999001', '1'), (2, 'E01999002', '10')) as areas (source_row, lsoa_code, imd_decile);
