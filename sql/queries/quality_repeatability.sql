-- Tumour changes between consecutive evaluable visits in units of their stated error, with what is known of the scanner.
select scanner, change_errors
from protocol_change
where is_evaluable_pair and change_errors is not null
order by scanner, change_errors
