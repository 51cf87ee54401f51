// Entry points for the Cython binding. They throw no exceptions that Cython cannot translate.
#pragma once

#include "check.hpp"
#include "log_encoder.hpp"
#include "search.hpp"
#include "span_encoder.hpp"

namespace lognotary {

// How many columns of each kind the tables of a stream have.
struct ColumnCounts {
  int plain, words, maps, arrays;
};
constexpr ColumnCounts kAuditColumns{log_columns::kPlainColumns, log_columns::kWordColumns, log_columns::kMapColumns,
                                     0};
constexpr ColumnCounts kOperationalColumns{log_columns::kPlainColumnsOperational, log_columns::kWordColumnsOperational,
                                           log_columns::kMapColumns, 0};
constexpr ColumnCounts kSpanColumns{span_columns::kPlainColumns, span_columns::kWordColumns, span_columns::kMapColumns,
                                    span_columns::kArrays};

// Encodes a request with an encoder. Returns 0, or 1 + the Refusal; fills `unread` if the Refusal is kUnread. Throws
// std::bad_alloc.
inline int encode(Encoder& encoder, View request, int64_t ingested_at, View seed, Unread& unread) {
  try {
    encoder.encode(request, ingested_at, seed);
  } catch (const Refused& refused) {
    return 1 + static_cast<int>(first_refusal(request, encoder.signal(), refused.why, unread));
  }
  return 0;
}

inline bool is_kept(const KeyWord* word) { return word == &Redaction::kKept; }

// Redacts a text; returns false, and leaves `redacted`, if nothing is redacted in it.
inline bool redact_text(Redactor& redactor, View text, std::string& redacted) {
  Arena arena;
  const View made = redactor.redact_text(text, arena);
  if (made.data() == text.data()) return false;
  redacted = made;
  return true;
}

// As values_in, but 0 if the record is malformed.
inline uint64_t count_values(View record) {
  try {
    return values_in(record);
  } catch (const Refused&) {
    return 0;
  }
}

}  // namespace lognotary
