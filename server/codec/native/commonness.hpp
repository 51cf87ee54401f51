// How common bytes are in texts.
#pragma once

#include "wire.hpp"

namespace lognotary {

// Bytes of texts, the rarest first; those that are not here are rarer.
constexpr View kCommon =
    "@<>{}()[];^~|&$#!`\\QZXJKVWYUBFHGMDPCLNSIRAOTE\"=,+*%?'_/-:.0123456789qzxjkvwybgfupmhdlcsrntoaei ";

inline size_t commonness(char byte) {
  const size_t at = kCommon.find(byte);
  return at == View::npos ? 0 : at + 1;
}

}  // namespace lognotary
