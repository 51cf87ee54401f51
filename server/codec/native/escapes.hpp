// Escapes in texts: of JSON strings (RFC 8259, section 7), and of quoted values in key=value texts.
#pragma once

#include "buffer.hpp"

namespace lognotary {

// Each returns the text that is meant, in the arena if anything is escaped. What is no escape stays; halves of surrogate
// pairs become U+FFFD.
View unescape(View json, Arena& arena);
View unquote(View text, Arena& arena);

}  // namespace lognotary
