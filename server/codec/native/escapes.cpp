#include "escapes.hpp"

#include <algorithm>

namespace lognotary {
namespace {

constexpr View kReplacement = "\xEF\xBF\xBD";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Returns the number of four hex digits, -1 if there are none.
int32_t hex4(View text, size_t at) {
  if (at + 4 > text.size()) return -1;
  int32_t code = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    code = code << 4 | digit;
  }
  return code;
}

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      out += static_cast<char>(0xE0 | code >> 12);
    } else {
      out += static_cast<char>(0xF0 | code >> 18);
      out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    }
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
  }
  out += static_cast<char>(0x80 | (code & 0x3F));
}

bool is_high(int32_t code) { return code >= 0xD800 && code < 0xDC00; }
bool is_low(int32_t code) { return code >= 0xDC00 && code < 0xE000; }

// Appends the character of a \uXXXX escape whose digits are at `at`; returns where the text goes on.
size_t append_escaped(std::string& out, View text, size_t at, int32_t code) {
  at += 4;
  const int32_t next = text.substr(at, 2) == "\\u" ? hex4(text, at + 2) : -1;
  if (is_high(code) && is_low(next)) {
    append_utf8(out, 0x10000 + (static_cast<uint32_t>(code - 0xD800) << 10) + static_cast<uint32_t>(next - 0xDC00));
    return at + 6;
  }
  if (is_high(code) || is_low(code)) {
    out += kReplacement;
  } else {
    append_utf8(out, static_cast<uint32_t>(code));
  }
  return at;
}

char unescaped(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

}  // namespace

View unescape(View text, Arena& arena) {
  size_t backslash = text.find('\\');
  if (backslash == View::npos) return text;
  std::string out;
  out.reserve(text.size());
  size_t copied = 0;
  while (backslash != View::npos && backslash + 1 < text.size()) {
    out += text.substr(copied, backslash - copied);
    const char c = text[backslash + 1];
    const int32_t code = c == 'u' ? hex4(text, backslash + 2) : -1;
    if (code >= 0) {
      copied = append_escaped(out, text, backslash + 2, code);
    } else {
      out += unescaped(c);
      copied = backslash + 2;
    }
    backslash = text.find('\\', copied);
  }
  out += text.substr(std::min(copied, text.size()));
  return arena.keep(out);
}

View unquote(View text, Arena& arena) {
  if (text.find('\\') == View::npos) return text;
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\')) ++at;
    out += text[at];
  }
  return arena.keep(out);
}

}  // namespace lognotary
