// Bytes that bodies must have for a match to hold.
#include <algorithm>

#include "rules.hpp"

namespace lognotary {
namespace {

// Bytes of texts, the rarest first; those that are not here are rarer.
constexpr View kCommon =
    "@<>{}()[];^~|&$#!`\\QZXJKVWYUBFHGMDPCLNSIRAOTE\"=,+*%?'_/-:.0123456789qzxjkvwybgfupmhdlcsrntoaei ";

size_t commonness(char byte) {
  const size_t at = kCommon.find(byte);
  return at == View::npos ? 0 : at + 1;
}

// Finds a byte that a text has if it passes a test: of those that are sure, the rarest.
bool find_byte(const Test& test, char& byte) {
  switch (test.kind) {
    case Test::kExact:
    case Test::kPrefix:
    case Test::kSuffix:
    case Test::kContains:
      if (test.text.empty()) return false;
      byte = *std::min_element(test.text.begin(), test.text.end(),
                               [](char one, char other) { return commonness(one) < commonness(other); });
      return true;
    case Test::kAllOf: {
      bool any = false;
      for (const Test& one : test.all) {
        char found;
        if (!find_byte(one, found) || (any && commonness(byte) <= commonness(found))) continue;
        byte = found;
        any = true;
      }
      return any;
    }
    default:
      return false;
  }
}

// Finds a byte for each of the tests, one of which a text must pass.
bool find_bytes(const Condition& condition, std::string& bytes) {
  if (condition.source.place != Place::kBody || condition.source.has_path) return false;
  for (const Test& test : condition.tests) {
    char byte;
    if (!find_byte(test, byte)) return false;
    if (bytes.find(byte) == std::string::npos) bytes += byte;
  }
  return true;
}

}  // namespace

TextAnchors::TextAnchors(size_t matches) : all_(matches), matches_(matches) { sets_.add('=', kEquals); }

bool TextAnchors::add(const Match& match, size_t number) {
  for (const Condition& condition : match.of_body) {
    std::string bytes;
    if (!find_bytes(condition, bytes)) continue;
    for (const char byte : bytes) {
      auto anchor = std::find_if(anchors_.begin(), anchors_.end(), [&](const Anchor& one) { return one.byte == byte; });
      if (anchor == anchors_.end()) {
        constexpr size_t kOthers = 7;  // sets, besides kEquals
        const auto set = static_cast<uint8_t>(2U << anchors_.size() % kOthers);
        sets_.add(byte, set);
        anchor = anchors_.insert(anchor, {byte, set, MatchSet(matches_)});
      }
      anchor->matches.add(number);
    }
    all_.add(number);
    return true;
  }
  return false;
}

}  // namespace lognotary
