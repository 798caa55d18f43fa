-- One row per column of each view, in the order of the columns.
select table_name as view, column_name as column, data_type as type, comment
from duckdb_columns()
where database_name = current_database() and schema_name = 'main' and not internal
order by table_name, column_index
