// SHA-256 from OpenSSL's libcrypto, which uses the processor's SHA instructions.
#pragma once

#include <cstddef>
#include <string_view>

#ifdef LOGNOTARY_LIBCRYPTO
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#endif

namespace lognotary {

using View = std::string_view;

constexpr size_t kHashSize = 32;

#ifdef LOGNOTARY_LIBCRYPTO

constexpr bool kHasSha256 = true;

class Sha256 {
 public:
  // Writes the digest of a message to `out`, 32 bytes.
  void digest(View message, char* out) {
    SHA256_Init(&context_);
    SHA256_Update(&context_, message.data(), message.size());
    SHA256_Final(reinterpret_cast<unsigned char*>(out), &context_);
  }

  // Writes the leaf hash of a canonical record: its entry is its SHA-256, its leaf the hash of that (RFC 6962,
  // section 2.1).
  void leaf(View record, char* out) {
    char entry[1 + kHashSize] = {0};
    digest(record, entry + 1);
    digest(View(entry, sizeof entry), out);
  }

 private:
  SHA256_CTX context_;
};

// Hashes canonical records that begin alike: the beginning is hashed once, and the state after it is copied.
class SharedSha256 {
 public:
  void start(View beginning) {
    SHA256_Init(&started_);
    SHA256_Update(&started_, beginning.data(), beginning.size());
  }

  // Writes the leaf hash of the canonical record that goes on with `rest`.
  void leaf(View rest, char* out) {
    SHA256_CTX context = started_;
    char entry[1 + kHashSize] = {0};
    SHA256_Update(&context, rest.data(), rest.size());
    SHA256_Final(reinterpret_cast<unsigned char*>(entry + 1), &context);
    sha256_.digest(View(entry, sizeof entry), out);
  }

 private:
  SHA256_CTX started_;
  Sha256 sha256_;
};

#else

constexpr bool kHasSha256 = false;  // records are hashed with Python's hashlib

#endif

}  // namespace lognotary
