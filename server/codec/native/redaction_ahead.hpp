// What a scan of one text has found out ahead of where it is, as server/codec/redaction_ahead.py has it.
#pragma once

#include <array>

#include "redaction_rules.hpp"

namespace lognotary {

// A stretch of a text with something that holds for each place in it.
struct Stretch {
  size_t start = 0, end = 0;

  bool has(size_t at) const { return start <= at && at < end; }
};

struct Ahead {
  static constexpr size_t kUnread = View::npos - 1;

  Stretch word;                      // a word that starts within it ends where it ends
  Stretch no_bearer;                 // what starts within it is no bearer token
  Stretch no_jwt;                    // nor a JSON Web Token, as too few parts follow
  std::array<Stretch, 4> no_header;  // nor one, as it has no JOSE header; by the start's remainder of four
  Stretch behind_authority;          // what can stand behind a URL's authority, up to an at sign, ends where it ends
  size_t first_curl = kUnread;       // index of the first "curl"
  size_t curl = View::npos;          // index of the last "curl" that was found
  size_t searched = 0;               // index up to which it was looked for
  Stretch footer;                    // the next last line of a private key begins where it ends; the text's end: none
  std::array<Stretch, kCharacters> no_digit;  // a run of these characters that starts within it has no digit
};

}  // namespace lognotary
