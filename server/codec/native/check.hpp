// The first error of a request that has more than one.
#pragma once

#include "unread.hpp"

namespace lognotary {

// Reads a request field by field, as the official parser does, and returns the error that the parser would find first.
// The encoder reads resources before records, wherever they are in the request, so it may find another error first.
// Fills `unread` if the error is kUnread.
Refusal first_refusal(View request, Signal signal, Refusal found, Unread& unread);

}  // namespace lognotary
