// What the Cython binding calls: no exceptions that Cython does not know.
#pragma once

#include "check.hpp"
#include "encoder.hpp"

namespace lognotary {

constexpr int kPlainColumnsOperational = kAuditRecordId, kWordColumnsOperational = kActorType;

// Lets an encoder encode a request. Returns 0, or 1 + the Refusal, and fills `unread` if that is it. Throws
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
