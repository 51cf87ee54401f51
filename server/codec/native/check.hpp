// What is wrong with a request first, where more than one thing is.
#pragma once

#include "unread.hpp"

namespace lognotary {

// Reads a request field by field, as the official parser does, and returns what that stumbles over first.
// The encoder reads resources before records, wherever they stand, and so finds other things first. Fills `unread` if
// that is it.
Refusal first_refusal(View request, Refusal found, Unread& unread);

}  // namespace lognotary
