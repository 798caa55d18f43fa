-- One row per file of the journal, as it was when these results were published.
create or replace view journal_head as
select file, line_count, size_bytes, sha256
from record.journal_head;

comment on view journal_head is 'One row per file of the journal, as it was when these results were published';
comment on column journal_head.file is 'file, relative to the output folder';
comment on column journal_head.line_count is 'lines in it';
comment on column journal_head.size_bytes is 'length, bytes';
comment on column journal_head.sha256 is 'digest of those bytes; the next run must find them again';
