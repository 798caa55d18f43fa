-- Which migrations made this file; read before anything else is believed.
create schema if not exists meta;

create table if not exists meta.migration (
    number integer primary key,
    name varchar not null,
    sha256 varchar not null
);
