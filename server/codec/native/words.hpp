// Known words of outcomes, and the category of an action by the words of its name: the same as
// server/codec/audit/words.py, which hands over its words.
#pragma once

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "wire.hpp"

namespace lognotary {

class Words {
 public:
  // The sets of words, in the order of server/codec/audit/program.py.
  enum Set : uint8_t {
    kSuccesses, kFailures, kAuthWords, kAuthObjects, kAuthChecks, kChangeVerbs, kAdminVerbs, kAdminObjects, kSystemVerbs,
    kSystemObjects, kDataObjects, kActorTypes, kCategories, kSets
  };

  void add(Set set, const std::string& word) { sets_[word] |= bit(set); }
  void add_auth_pair(const std::string& first, const std::string& second) { auth_pairs_[first].push_back(second); }

  bool has(Set set, View lower) const { return (sets_of(lower) & bit(set)) != 0; }

  // Each takes a scratch for words in lower case.
  View outcome(View sent, std::string& scratch) const;
  View category(View action, View target_type, std::string& scratch) const;

 private:
  static constexpr uint32_t bit(Set set) { return uint32_t{1} << set; }

  uint32_t sets_of(View lower) const;
  // Returns the sets that have words of a name; sets `is_auth_pair` if neighbours are a pair.
  uint32_t sets_of_name(View name, std::string& scratch, bool& is_auth_pair) const;

  std::unordered_map<std::string, uint32_t> sets_;  // a word -> the sets that have it
  std::unordered_map<std::string, std::vector<std::string>> auth_pairs_;
};

// Writes a text in lower case, ASCII only, as Python's bytes.lower.
void lower(View text, std::string& out);

}  // namespace lognotary
