"""ClickHouse storage, embedded or on a server: schema, writes, reads."""
