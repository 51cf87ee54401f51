// Detection of messages that would be lost although the request would be answered with OK.
//
// server/codec/unread.py is the definition, and has the error messages.
#pragma once

#include "signals.hpp"
#include "wire.hpp"

namespace lognotary {

// A ResourceSpans, a ScopeSpans or a Span is of the same level as what has its place in a logs request.
enum class Level : uint8_t { kRequest, kResourceLogs, kScopeLogs, kLogRecord };

enum class UnreadReason : uint8_t {
  kUnknown,   // fields that OTLP does not have, and no records
  kTwice,     // records under the present name of a field and under its old one
  kNotALog,   // field 1 is not a time: a span or a metric
  kNotASpan,  // a field has another type than in a span: a log record or a metric
};

// The field of a message that would not be kept, and why.
struct UnreadField {
  UnreadReason reason;
  uint32_t number;
};

// An UnreadField with its place in the request. Indexes below the level are 0.
struct Unread {
  UnreadReason reason = UnreadReason::kUnknown;
  uint32_t number = 0;
  Level level = Level::kRequest;
  uint64_t resource_logs = 0, scope_logs = 0, record = 0;
};

// Checks the fields of one message, but not of the messages within it. Returns false if all fields are kept.
bool find_unread(View message, Signal signal, Level level, int depth, UnreadField& found);

// Checks all messages of a well-formed request. Returns false if all fields are kept.
bool find_unread(View request, Signal signal, Unread& found);

// Throws Refused if a field of one message would not be kept.
inline void require_read(View message, Signal signal, Level level, int depth) {
  UnreadField found{};
  if (find_unread(message, signal, level, depth, found)) throw Refused{Refusal::kUnread};
}

}  // namespace lognotary
