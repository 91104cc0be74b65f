def model(dbt, session):
    from orchestration.forecast.back_test import back_test

    dbt.config(materialized="table")
    return back_test(dbt.ref("int_forecast__history").df())
