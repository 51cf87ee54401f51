// Source addresses, without their ports and without proxies: address_of in server/codec/audit/addresses.py.
#pragma once

#include "buffer.hpp"

namespace lognotary {

// Returns the first address of a text without its port, in canonical form, or the text if it does not begin with an
// address.
View address_of(View text, Arena& arena);

}  // namespace lognotary
