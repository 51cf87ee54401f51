// Messages of which nothing would be kept, although something was sent.
//
// server/codec/unread.py is the definition, and has the words for it.
#pragma once

#include "wire.hpp"

namespace lognotary {

enum class Level : uint8_t { kRequest, kResourceLogs, kScopeLogs, kLogRecord };

enum class UnreadReason : uint8_t {
  kUnknown,   // fields that OTLP does not have, and no records
  kTwice,     // records under the present name of a field and under its old one
  kNotALog,   // a time that is none: a span or a metric
};

// What is wrong with one message.
struct UnreadField {
  UnreadReason reason;
  uint32_t number;
};

// The same, and where in the request. Places below the level are 0.
struct Unread {
  UnreadReason reason = UnreadReason::kUnknown;
  uint32_t number = 0;
  Level level = Level::kRequest;
  uint64_t resource_logs = 0, scope_logs = 0, record = 0;
};

// Looks at the fields of one message, not at those of messages within it. Returns false if all is well.
bool find_unread(View message, Level level, int depth, UnreadField& found);

// Looks through a request that is well-formed otherwise. Returns false if all is well.
bool find_unread(View request, Unread& found);

// Throws Refused if something is wrong with one message.
inline void require_read(View message, Level level, int depth) {
  UnreadField found{};
  if (find_unread(message, level, depth, found)) throw Refused{Refusal::kUnread};
}

}  // namespace lognotary
