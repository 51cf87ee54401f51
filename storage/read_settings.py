"""Settings that every statement sends, so that no profile or default of a user bends an answer.

ClickHouse has settings that make an answer rest on fewer rows than a table has, or on something that was computed
earlier: limits and filters for all queries, limits that cut an answer silently, projections, caches, statistics. A
settings profile can turn them on for a user, at any time. So they are sent with each statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import urlencode

__all__ = [
    "FULL_SCAN",
    "PINNED",
    "MapLiteral",
    "settings_clause",
    "settings_parameters",
    "with_settings",
    "without_unknown",
]

PINNED: Mapping[str, str | int] = MappingProxyType(
    {
        # Definitions of tables, and answers, are written in one form.
        "show_create_query_identifier_quoting_rule": "when_necessary",
        "show_create_query_identifier_quoting_style": "Backticks",
        "show_table_uuid_in_table_create_query_if_not_nil": 0,
        "output_format_native_encode_types_in_binary_format": 0,
        "implicit_table_at_top_level": "",
        # Limits that are reached are errors, never shorter answers.
        "limit": 0,
        "offset": 0,
        "page": 0,
        "result_overflow_mode": "throw",
        "read_overflow_mode": "throw",
        "read_overflow_mode_leaf": "throw",
        "group_by_overflow_mode": "throw",
        "sort_overflow_mode": "throw",
        "distinct_overflow_mode": "throw",
        "set_overflow_mode": "throw",
        "join_overflow_mode": "throw",
        "transfer_overflow_mode": "throw",
        "timeout_overflow_mode": "throw",
        "timeout_overflow_mode_leaf": "throw",
        "partial_result_on_first_cancel": 0,
        # No rows are filtered out, or left out.
        "additional_result_filter": "",
        "additional_table_filters": "{}",
        "filter": "",
        "select": "",
        "discard_query_data": 0,
        "ignore_cold_parts_seconds": 0,
        "final": 0,
        # Rows are as deletes and updates left them.
        "apply_deleted_mask": 1,
        "apply_patch_parts": 1,
        "apply_mutations_on_fly": 0,
        # Answers come from rows, not from projections, metadata, statistics, constraints that may not hold, or caches.
        "optimize_use_projections": 0,
        "optimize_use_implicit_projections": 0,
        "optimize_use_projection_filtering": 0,
        "optimize_trivial_count_query": 0,
        "optimize_trivial_count_with_sparsity_filter": 0,
        "optimize_trivial_approximate_count_query": 0,
        "use_statistics_for_part_pruning": 0,
        "use_statistics_for_min_max_aggregation": 0,
        "optimize_using_constraints": 0,
        "optimize_append_index": 0,
        "optimize_substitute_columns": 0,
        "convert_query_to_cnf": 0,
        "use_query_cache": 0,
        "use_query_condition_cache": 0,
        "use_query_condition_cache_for_top_k": 0,
        # Conditions are decided by columns; an index only says where to look. In 26.7, what is read from a text index
        # instead of its column is wrong for parts with an update that is not merged yet.
        "query_plan_direct_read_from_text_index": 0,
        "query_plan_text_index_add_hint": 0,
        "query_plan_optimize_count_from_text_index": 0,
        "use_skip_indexes_for_top_k": 0,
        # Indexes are read before rows are, so that a statement for a few rows starts no more threads than it needs.
        "use_skip_indexes_on_data_read": 0,
        # One server answers, about all its rows.
        "enable_parallel_replicas": 0,
        "allow_experimental_parallel_reading_from_replicas": 0,  # its name before 24.10
        "parallel_replicas_count": 0,
        "parallel_replica_offset": 0,
        "distributed_group_by_no_merge": 0,
        "distributed_index_analysis": 0,
        "skip_unavailable_shards": 0,
        # Rows come in the order that a statement asks for.
        "order": "",
        "sort": "",
        "inject_random_order_for_select_without_order_by": 0,
        # Expressions and types have their usual meaning. Of a key that is repeated in a map, a subcolumn has the last
        # value before 26.9, and not the first one.
        "optimize_functions_to_subcolumns": 0,
        "aggregate_functions_null_for_empty": 0,
        "empty_result_for_aggregation_by_empty_set": 0,
        "group_by_use_nulls": 0,
        "join_use_nulls": 0,
        "join_default_strictness": "ALL",
        "any_join_distinct_right_table_keys": 0,
        "query_plan_convert_join_to_in": 0,  # ClickHouse's description: "may cause wrong results"
        "count_distinct_implementation": "uniqExact",
        "enable_unaligned_array_join": 0,
        "transform_null_in": 0,
        "rewrite_in_to_join": 0,
        "prefer_column_name_to_alias": 0,
        "cast_keep_nullable": 0,
        "use_variant_as_common_type": 0,
        "enable_extended_results_for_datetime_functions": 0,
        "date_time_overflow_behavior": "ignore",
        "session_timezone": "",
        "extremes": 0,
        "output_format_binary_encode_types_in_binary_format": 0,
        # Migrations create the same tables everywhere.
        "data_type_default_nullable": 0,
        "flatten_nested": 1,
    }
)
"""Sent with every statement. Limits themselves may be set: one that is reached is an error."""

FULL_SCAN: Mapping[str, str | int] = MappingProxyType({"use_skip_indexes": 0, "use_skip_indexes_if_final": 0})
"""For reads that rest on all rows of a table, whatever its skip indexes say."""


class MapLiteral(str):
    """A map as a literal of SQL, which stands in a statement as it is."""

    __slots__ = ()


def settings_clause(settings: Mapping[str, str | int]) -> str:
    """Return settings as they stand after SETTINGS or SET."""
    return ", ".join(f"{name} = {_literal(value)}" for name, value in settings.items())


def settings_parameters(settings: Mapping[str, str | int]) -> str:
    """Return settings as parameters of a URL."""
    return urlencode(settings)


def with_settings(select: str, settings: Mapping[str, str | int] | None) -> str:
    """Return a SELECT without SETTINGS and FORMAT with settings of its own."""
    return f"{select} SETTINGS {settings_clause(settings)}" if settings else select


def without_unknown(
    settings: Mapping[str, str | int], unknown: Callable[[Mapping[str, str | int]], str | None]
) -> dict[str, str | int]:
    """Return the settings that a version of ClickHouse knows.

    Args:
        settings: settings of any version.
        unknown: sends settings, and returns the name of one that ClickHouse does not know, None if it knows all.
    """
    known = dict(settings)
    while known and (name := unknown(known)) is not None:
        del known[name]
    return known


def _literal(value: str | int) -> str:
    if isinstance(value, (int, MapLiteral)) or value == "{}":  # a map is no string
        return str(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
