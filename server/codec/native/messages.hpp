// The messages of an OTLP logs request, and what a traces request shares with it, as they were sent: views into the
// request.
//
// A message may be sent in several parts, which merge; reading a part adds it to what is there.
// Source: opentelemetry-proto logs/v1/logs.proto, resource/v1/resource.proto, common/v1/common.proto.
#pragma once

#include <vector>

#include "value.hpp"

namespace lognotary {

constexpr uint32_t kTimeNumber = 1;  // LogRecord.time_unix_nano

// ResourceLogs.instrumentation_library_logs of OTLP 0.15 to 0.18, which is a ScopeLogs under its old name. Before 0.15,
// it had the number that scope_logs has now. So has ResourceSpans.instrumentation_library_spans.
constexpr uint32_t kLibraryLogsNumber = 1000;

// Tags of the messages that are walked through record by record. In a traces request, ResourceSpans, ScopeSpans and
// Span have the same ones.
namespace tags {
constexpr uint32_t kResourceLogs = tag(1, kDelimited);  // ExportLogsServiceRequest
constexpr uint32_t kResource = tag(1, kDelimited), kScopeLogs = tag(2, kDelimited),
                   kResourceSchemaUrl = tag(3, kDelimited),
                   kLibraryLogs = tag(kLibraryLogsNumber, kDelimited);  // ResourceLogs
constexpr uint32_t kScope = tag(1, kDelimited), kLogRecords = tag(2, kDelimited),
                   kScopeSchemaUrl = tag(3, kDelimited);  // ScopeLogs
}  // namespace tags

struct Attribute {
  View key;
  Value value;
};

struct Entity {
  View schema_url;
  View type;
  std::vector<View> id_keys;
  std::vector<View> description_keys;
};

struct Resource {
  std::vector<Attribute> attributes;
  uint32_t dropped_attributes_count = 0;
  std::vector<Entity> entity_refs;
};

struct Scope {
  View name;
  View version;
  std::vector<Attribute> attributes;
  uint32_t dropped_attributes_count = 0;
};

struct Record {
  uint64_t time = 0;
  uint64_t observed_time = 0;
  int32_t severity_number = 0;
  View severity_text;
  Value body;
  std::vector<Attribute> attributes;
  uint32_t dropped_attributes_count = 0;
  uint32_t flags = 0;
  View trace_id;
  View span_id;
  View event_name;

  void clear();  // keeps the room for attributes
};

// Tells whether a LogRecord has such a field.
bool is_record_field(uint32_t tag);

// Each reads the fields of one message, or of one part of it.
void read_attribute(View message, int depth, Attribute& attribute, Arena& arena);
void read_resource(View message, int depth, Resource& resource, Arena& arena);
void read_scope(View message, int depth, Scope& scope, Arena& arena);
// `read_record` returns false if there are fields that are not a LogRecord's.
bool read_record(View message, int depth, Record& record, Arena& arena);

}  // namespace lognotary
