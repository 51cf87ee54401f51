// The first error of a request that has more than one.
#pragma once

#include "unread.hpp"

namespace lognotary {

// Reads a request field by field, as the official parser does, and returns the error that the parser would find first.
// The encoder reads resources before records, wherever they are in the request, so it may find another error first.
// Fills `unread` if the error is kUnread.
Refusal first_refusal(View request, Signal signal, Refusal found, Unread& unread);

// Returns the number of attributes, members of lists and elements of arrays in a serialized LogRecord, wherever they
// are in it. Throws Refused.
uint64_t values_in(View record);

}  // namespace lognotary
