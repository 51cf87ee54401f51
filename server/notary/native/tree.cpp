#include "tree.hpp"

#include <cstring>

namespace lognotary {

void hash_pairs(View hashes, char* out) {
  Sha256 sha256;
  char node[1 + 2 * kHashSize] = {1};
  for (size_t at = 0; hashes.size() - at >= 2 * kHashSize; at += 2 * kHashSize, out += kHashSize) {
    std::memcpy(node + 1, hashes.data() + at, 2 * kHashSize);
    sha256.digest(View(node, sizeof node), out);
  }
}

}  // namespace lognotary
