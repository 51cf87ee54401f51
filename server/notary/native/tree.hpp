// The nodes of the Merkle tree of RFC 6962.
#pragma once

#include "digest.hpp"

namespace lognotary {

// Writes, for every pair of hashes, the hash of the node above them (RFC 6962, section 2.1).
void hash_pairs(View hashes, char* out);

}  // namespace lognotary
