#include "commitments.hpp"

#include <algorithm>

namespace lognotary {
namespace {

constexpr View kBeforeDigits = ":sha256:";
constexpr size_t kDigits = 64;
constexpr size_t kShortestBase64 = 96;  // of a commitment and what is before it
constexpr uint8_t kNone = 64;

struct Base64Values {
  uint8_t of[256];
  constexpr Base64Values() : of() {
    for (uint8_t& value : of) value = kNone;
    uint8_t next = 0;
    for (char c = 'A'; c <= 'Z'; ++c) of[static_cast<unsigned char>(c)] = next++;
    for (char c = 'a'; c <= 'z'; ++c) of[static_cast<unsigned char>(c)] = next++;
    for (char c = '0'; c <= '9'; ++c) of[static_cast<unsigned char>(c)] = next++;
    of[static_cast<unsigned char>('+')] = next++;
    of[static_cast<unsigned char>('/')] = next;
  }
  uint8_t operator[](char c) const { return of[static_cast<unsigned char>(c)]; }
};
constexpr Base64Values kBase64Values;

// Decodes digits of base64, without what stands for missing bytes.
void decode(View digits, std::string& out) {
  out.clear();
  uint32_t bits = 0, count = 0;
  for (const char digit : digits) {
    bits = (bits & 0xFFFF) << 6 | kBase64Values[digit];
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
}

}  // namespace

void append_listed(std::string& out, const std::vector<Disclosed>& disclosed, DisclosedRange range) {
  for (uint32_t i = range.from; i < range.to; ++i) {
    out += '"';
    out += disclosed[i].commitment;
    out += "\",";
  }
}

void EventCommitments::begin(const std::vector<Disclosed>& disclosed, DisclosedRange body) {
  numbers_.clear();
  for (uint32_t i = body.from; i < body.to; ++i) numbers_.emplace(disclosed[i].commitment, i);
}

const std::vector<uint32_t>& EventCommitments::find(View event) {
  found_.clear();
  if (numbers_.empty()) return found_;
  find_digits(event);
  find_base64(event);
  std::sort(found_.begin(), found_.end());
  found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
  return found_;
}

void EventCommitments::find_digits(View text) {
  for (size_t at = 0; (at = text.find(kBeforeDigits, at)) != View::npos;) {
    at += kBeforeDigits.size();
    const auto number = numbers_.find(text.substr(at, kDigits));
    if (number != numbers_.end()) found_.push_back(number->second);
  }
}

void EventCommitments::find_base64(View text) {
  for (size_t at = 0, end; at < text.size(); at = end) {
    for (end = at; end < text.size() && kBase64Values[text[end]] != kNone;) ++end;
    const View digits = text.substr(at, end - at);
    const size_t padded = end + 2;
    for (; end < padded && end < text.size() && text[end] == '=';) ++end;
    if (digits.size() >= kShortestBase64 && (end - at) % 4 == 0) {
      decode(digits, decoded_);
      find_digits(decoded_);
    }
    if (end == at) ++end;  // neither
  }
}

}  // namespace lognotary
