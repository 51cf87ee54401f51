// Entry points for the Cython binding. They throw no exceptions that Cython cannot translate.
#pragma once

#include "check.hpp"
#include "encoder.hpp"

namespace lognotary {

constexpr int kPlainColumnsOperational = kAuditRecordId, kWordColumnsOperational = kActorType;

// Encodes a request with an encoder. Returns 0, or 1 + the Refusal; fills `unread` if the Refusal is kUnread. Throws
// std::bad_alloc.
inline int encode(Encoder& encoder, View request, int64_t ingested_at, Unread& unread) {
  try {
    encoder.encode(request, ingested_at);
  } catch (const Refused& refused) {
    return 1 + static_cast<int>(first_refusal(request, refused.why, unread));
  }
  return 0;
}

}  // namespace lognotary
