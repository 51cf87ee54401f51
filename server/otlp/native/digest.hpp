// SHA-256 from OpenSSL's libcrypto, which uses the processor's SHA instructions.
#pragma once

#include "wire.hpp"

#ifdef LOGNOTARY_LIBCRYPTO
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#endif

namespace lognotary {

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

 private:
  SHA256_CTX context_;
};

#else

constexpr bool kHasSha256 = false;  // the binding hashes with Python's hashlib

#endif

}  // namespace lognotary
