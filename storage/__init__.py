"""ClickHouse, embedded or a server: schema, writing, reading."""
