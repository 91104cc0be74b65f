def model(dbt, session):
    from orchestration.forecast.plans import forecast_plans
    from orchestration.forecast.scenarios import load_scenarios

    dbt.config(materialized="table")
    return forecast_plans(
        transitions=dbt.ref("int_forecast__transition").df(),
        areas=dbt.ref("int_forecast__area").df(),
        population=dbt.ref("population_projection").df(),
        figures=dbt.ref("int_forecast__history").df(),
        tested=dbt.ref("int_forecast__back_test").df(),
        need_tables=dict(
            dbt.ref("reform_plan_provision")
            .filter("need_table_no is not null")
            .select("reform_provision_code, need_table_no")
            .fetchall()
        ),
        scenarios=load_scenarios(),
    )
