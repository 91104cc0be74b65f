with years as (
    select
        cover.submission_id,
        own_authority.setting_value as la_code,
        {{ academic_year_of_january('cast(cover.year_ending as varchar)') }} as academic_year,
        {{ census_period_key('cover.year_ending') }} as period_key,
        make_date(cover.year_ending - 1, 9, 1) as first_day,
        make_date(cover.year_ending, 8, 31) as last_day
    from {{ ref('stg_outreach_activity__cover') }} as cover
    inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
        on own_authority.setting_name = 'la_code'
    where cover.is_current
),

-- Schools that stood at any time in the year, in the version that stood last.
standing as (
    select
        years.submission_id,
        years.academic_year,
        setting.site_key,
        setting.setting_key
    from years
    inner join {{ ref('dim_setting') }} as setting
        on
            setting.is_in_own_authority
            and setting.phase_name in (
                'Nursery', 'Primary', 'Middle deemed primary', 'Secondary', 'Middle deemed secondary', 'All-through'
            )
            and coalesce(years.last_day >= setting.valid_from, true)
            and coalesce(years.first_day <= setting.valid_to, setting.is_open)
    qualify row_number() over (
        partition by years.submission_id, setting.site_key
        order by setting.valid_from desc nulls last, setting.urn desc
    ) = 1
),

visited as (
    select
        submission_id,
        academic_year,
        site_key,
        arg_max(setting_key, visit_date) as setting_key,
        count(*) as visit_count,
        sum(pupil_count) as pupil_count,
        min(visit_date) as first_visit_date,
        count_if(is_repeat) as repeat_visit_count,
        count(days_waited) as requested_visit_count,
        median(days_waited) as median_days_waited
    from {{ ref('fct_outreach_activity_visit') }}
    group by submission_id, academic_year, site_key
),

schools as (
    select
        coalesce(standing.submission_id, visited.submission_id) as submission_id,
        coalesce(standing.academic_year, visited.academic_year) as academic_year,
        coalesce(standing.site_key, visited.site_key) as site_key,
        coalesce(standing.setting_key, visited.setting_key) as setting_key,
        standing.site_key is not null as is_expected,
        coalesce(visited.visit_count, 0) as visit_count,
        coalesce(visited.pupil_count, 0) as pupil_count,
        coalesce(visited.repeat_visit_count, 0) as repeat_visit_count,
        coalesce(visited.requested_visit_count, 0) as requested_visit_count,
        visited.first_visit_date,
        visited.median_days_waited
    from standing
    full join visited
        on
            standing.submission_id = visited.submission_id
            and standing.site_key = visited.site_key
),

in_census as (
    select
        pupil.la_code,
        pupil.academic_year,
        setting.site_key,
        count(*) as roll_count,
        count_if(pupil.sen_provision_group = 'SEN support') as sen_support_count,
        count_if(pupil.sen_provision_group = 'EHC plan') as ehc_plan_count,
        count_if(pupil.sen_provision_group in ('SEN support', 'EHC plan')) as sen_count
    from {{ ref('fct_census_pupil') }} as pupil
    inner join {{ ref('dim_setting') }} as setting -- exactly one
        on pupil.setting_key = setting.setting_key
    where
        pupil.term_code = 'SPR'
        and pupil.is_counted
    group by pupil.la_code, pupil.academic_year, setting.site_key
),

events as (
    select
        la_code,
        site_key,
        count_if(event_code = 'request' and not is_after) as request_before_count,
        count_if(event_code = 'request' and is_after) as request_after_count,
        count_if(event_code = 'suspension' and not is_after) as suspension_before_count,
        count_if(event_code = 'suspension' and is_after) as suspension_after_count
    from {{ ref('int_outreach_activity__event') }}
    group by la_code, site_key
)

select
    {{ surrogate_key(['years.la_code', 'years.academic_year', 'schools.site_key']) }} as outreach_school_key,
    years.la_code,
    years.period_key,
    years.academic_year,
    schools.site_key,
    schools.setting_key,
    case setting.phase_name
        when 'Middle deemed primary' then 'Primary'
        when 'Middle deemed secondary' then 'Secondary'
        when 'All-through' then 'Secondary'
        else setting.phase_name
    end as phase_name,
    schools.is_expected,
    cast(schools.visit_count as integer) as visit_count,
    cast(schools.pupil_count as integer) as pupil_count,
    schools.first_visit_date,
    cast(schools.repeat_visit_count as integer) as repeat_visit_count,
    cast(schools.requested_visit_count as integer) as requested_visit_count,
    cast(schools.median_days_waited as decimal(18, 1)) as median_days_waited,
    cast(in_census.roll_count as integer) as roll_count,
    cast(in_census.sen_support_count as integer) as sen_support_count,
    cast(in_census.ehc_plan_count as integer) as ehc_plan_count,
    cast(round(100 * in_census.sen_count / in_census.roll_count, 1) as decimal(18, 1)) as sen_pct,
    case
        when schools.is_expected and in_census.roll_count is not null
            then list_extract(['lowest', 'middle', 'highest'], cast(ntile(3) over rates as integer))
    end as sen_third_code,
    cast(round(100 * schools.visit_count / nullif(in_census.sen_count, 0), 1) as decimal(18, 1))
        as visits_per_100_pupils_with_sen,
    first_visit.site_key is not null as is_year_of_first_visit,
    first_visit.request_window_code,
    {%- for side in ['before', 'after'] %}
        case when first_visit.request_window_code = 'whole' then cast(coalesce(events.request_{{ side }}_count, 0) as integer) end
            as request_{{ side }}_count,
    {%- endfor %}
    first_visit.suspension_window_code,
    {%- for side in ['before', 'after'] %}
        case
            when first_visit.suspension_window_code = 'whole'
                then cast(coalesce(events.suspension_{{ side }}_count, 0) as integer)
        end as suspension_{{ side }}_count,
    {%- endfor %}
    schools.submission_id
from schools
inner join years -- exactly one
    on schools.submission_id = years.submission_id
left join {{ ref('dim_setting') }} as setting -- at most one
    on schools.setting_key = setting.setting_key
left join in_census -- at most one
    on
        years.la_code = in_census.la_code
        and years.academic_year = in_census.academic_year
        and schools.site_key = in_census.site_key
left join {{ ref('int_outreach_activity__first_visit') }} as first_visit -- at most one
    on
        years.la_code = first_visit.la_code
        and years.academic_year = first_visit.academic_year
        and schools.site_key = first_visit.site_key
left join events -- at most one
    on
        first_visit.la_code = events.la_code
        and first_visit.site_key = events.site_key
window rates as (
    partition by schools.submission_id, schools.is_expected, in_census.roll_count is not null
    order by in_census.sen_count / in_census.roll_count, schools.site_key
)
