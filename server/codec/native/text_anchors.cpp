// Bytes that bodies must have for a match to hold.
#include <algorithm>

#include "commonness.hpp"
#include "rules.hpp"

namespace lognotary {
namespace {

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

// Returns whether a text may pass a test, as far as that is quick to tell.
bool may_pass(const Test& test, View text) {
  switch (test.kind) {
    case Test::kExact:
      return text == test.text;
    case Test::kPrefix:
      return text.substr(0, test.text.size()) == test.text;
    case Test::kContains:
      return text.find(test.text) != View::npos;
    case Test::kAllOf:
      return std::all_of(test.all.begin(), test.all.end(), [&](const Test& one) { return may_pass(one, text); });
    default:
      return true;
  }
}

}  // namespace

TextAnchors::TextAnchors(size_t matches) : all_(matches), matches_(matches) { sets_.add('=', kEquals); }

TextAnchors::Anchor& TextAnchors::of_byte(char byte) {
  for (Anchor& anchor : anchors_) {
    if (anchor.byte == byte) return anchor;
  }
  constexpr size_t kOthers = 7;  // sets, besides kEquals
  const auto set = static_cast<uint8_t>(2U << anchors_.size() % kOthers);
  sets_.add(byte, set);
  return anchors_.emplace_back(Anchor{byte, set, MatchSet(matches_), {}});
}

bool TextAnchors::add(const Match& match, size_t number) {
  for (const Condition& condition : match.of_body) {
    if (condition.source.place != Place::kBody || condition.source.has_path) continue;
    std::string bytes;  // one for each of the tests, one of which a body must pass
    for (const Test& test : condition.tests) {
      char byte;
      if (find_byte(test, byte)) bytes += byte;
    }
    if (bytes.size() < condition.tests.size()) continue;
    for (size_t i = 0; i < bytes.size(); ++i) {
      Anchor& anchor = of_byte(bytes[i]);
      anchor.matches.add(number);
      anchor.tests.emplace_back(number, &condition.tests[i]);
    }
    all_.add(number);
    return true;
  }
  return false;
}

void TextAnchors::find(View body, uint8_t sets, const MatchSet& among, MatchSet& candidates) const {
  if ((sets & ~kEquals) == 0) return;
  for (const Anchor& anchor : anchors_) {
    if ((sets & anchor.set) == 0 || !anchor.matches.has_any_of(among)) continue;
    for (const auto& [match, test] : anchor.tests) {
      if (among.has(match) && may_pass(*test, body)) candidates.add(match);
    }
  }
}

}  // namespace lognotary
