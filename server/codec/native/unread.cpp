#include "unread.hpp"

#include "messages.hpp"
#include "spans.hpp"

namespace lognotary {
namespace {

bool carries(Level level, uint32_t tag) {
  switch (level) {
    case Level::kRequest:
      return tag == tags::kResourceLogs;
    case Level::kResourceLogs:
      return tag == tags::kScopeLogs || tag == tags::kLibraryLogs;
    case Level::kScopeLogs:
      return tag == tags::kLogRecords;
    default:
      return false;
  }
}

bool is_known(Signal signal, Level level, uint32_t tag) {
  switch (level) {
    case Level::kResourceLogs:
      return tag == tags::kResource || tag == tags::kResourceSchemaUrl;
    case Level::kScopeLogs:
      return tag == tags::kScope || tag == tags::kScopeSchemaUrl;
    case Level::kLogRecord:
      return signal == Signal::kLogs ? is_record_field(tag) : is_span_field(tag);
    default:
      return false;
  }
}

// Fields of a record that have one type in this signal, and another in the others.
bool is_telling(Signal signal, uint32_t number) {
  return signal == Signal::kLogs ? number == kTimeNumber : is_span_number(number);
}

// Calls `look` with the number and content of each message of a list, until it returns true.
template <typename Look>
bool any(View message, Level level, int depth, Look look) {
  uint64_t number = 0;
  for (Reader field(message, depth); field.next();) {
    if (carries(level, field.tag()) && look(number++, field.bytes())) return true;
  }
  return false;
}

}  // namespace

bool find_unread(View message, Signal signal, Level level, int depth, UnreadField& found) {
  bool known = false, present = false, old = false;
  uint32_t unknown = 0, structured = 0;  // numbers of the first ones
  for (Reader field(message, depth); field.next();) {
    const uint32_t tag = field.tag(), number = tag >> 3;
    if (carries(level, tag)) {
      (tag == tags::kLibraryLogs ? old : present) = true;
    } else if (is_known(signal, level, tag)) {
      known = true;
    } else if (level == Level::kLogRecord && is_telling(signal, number)) {
      found = {signal == Signal::kLogs ? UnreadReason::kNotALog : UnreadReason::kNotASpan, number};
      return true;
    } else {
      if (unknown == 0) unknown = number;
      const bool may_hold = (tag & 7) == kStartGroup || ((tag & 7) == kDelimited && !field.bytes().empty());
      if (structured == 0 && may_hold) structured = number;
    }
  }
  if (present && old) {
    found = {UnreadReason::kTwice, kLibraryLogsNumber};
    return true;
  }
  if (unknown == 0 || present || old) return false;
  if (known && (structured == 0 || level == Level::kLogRecord)) return false;
  found = {UnreadReason::kUnknown, structured != 0 ? structured : unknown};
  return true;
}

bool find_unread(View request, Signal signal, Unread& found) {
  const auto wrong = [&](View message, Level level, int depth) {
    UnreadField field{};
    if (!find_unread(message, signal, level, depth, field)) return false;
    found.reason = field.reason;
    found.number = field.number;
    found.level = level;
    return true;
  };
  const auto in_record = [&](uint64_t number, View record) {
    found.record = number;
    return wrong(record, Level::kLogRecord, kMaxDepth - 3);
  };
  const auto in_scope = [&](uint64_t number, View scope_logs) {
    found.scope_logs = number;
    found.record = 0;
    return wrong(scope_logs, Level::kScopeLogs, kMaxDepth - 2) ||
           any(scope_logs, Level::kScopeLogs, kMaxDepth - 2, in_record);
  };
  const auto in_resource = [&](uint64_t number, View resource_logs) {
    found.resource_logs = number;
    found.scope_logs = 0;
    return wrong(resource_logs, Level::kResourceLogs, kMaxDepth - 1) ||
           any(resource_logs, Level::kResourceLogs, kMaxDepth - 1, in_scope);
  };
  return wrong(request, Level::kRequest, kMaxDepth) || any(request, Level::kRequest, kMaxDepth, in_resource);
}

}  // namespace lognotary
