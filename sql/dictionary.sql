-- One row per column of each view, in the order of the columns.
select
    c.table_name as view,
    c.column_name as column,
    c.data_type as type,
    c.comment
from duckdb_columns() as c
inner join duckdb_views() as v
    on v.database_oid = c.database_oid and v.schema_name = c.schema_name and v.view_name = c.table_name
where c.database_name = current_database() and c.schema_name = 'main' and not v.internal
order by c.table_name, c.column_index
