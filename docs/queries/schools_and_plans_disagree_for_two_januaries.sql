-- Question: About which children have school census and EHC plans return disagreed for two Januaries or more, and where?
-- Asked by: The head of SEND, for talks with schools
-- Answer: One row for each school, return that alone has the plan, and reason on the latest January: the children, and the most
--   Januaries that any of them has been disagreed about. Only disagreements that still stand and that are to be followed up.
-- Caveats: A disagreement that was there on the first January compared may be older. `cornerstone worklist` names the children,
--   to whom that is allowed. Blank schools are in no register.
select
    setting.setting_name as school,
    setting.la_estab as school_number,
    spell.side_code as told_by,
    reason.reason_name as reason,
    count(*) as child_count,
    max(spell.census_count) as most_januaries
from marts.fct_census_plan_spell as spell
inner join marts.dim_census_plan_reason as reason
    on spell.last_reason_code = reason.reason_code
left join marts.dim_setting as setting
    on spell.setting_key = setting.setting_key
where
    spell.is_open
    and spell.census_count >= 2
    and spell.last_reason_class = 'to_follow_up'
group by setting.setting_key, setting.setting_name, setting.la_estab, spell.side_code, reason.reason_name
order by child_count desc, school asc nulls last, told_by asc, reason asc
