#include "words.hpp"

#include <algorithm>

namespace lognotary {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Returns the end of the word that begins at `at`: capitals before a capital of the next word, or a word with one
// capital at most.
size_t end_of_word(View name, size_t at) {
  size_t end = at;
  if (is_upper(name[at])) {
    while (end < name.size() && is_upper(name[end])) ++end;
    const bool begins_next = end < name.size() && is_lower(name[end]);
    if (!begins_next) return end;
    if (end - 1 > at) return end - 1;
    end = at + 1;
  }
  while (end < name.size() && (is_lower(name[end]) || is_digit(name[end]))) ++end;
  return end;
}

}  // namespace

void lower(View text, std::string& out) {
  out.assign(text);
  for (char& c : out) {
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
}

uint32_t Words::sets_of(View lower) const {
  constexpr size_t kLongest = 32;
  if (lower.size() > kLongest) return 0;
  const auto found = sets_.find(std::string(lower));
  return found == sets_.end() ? 0 : found->second;
}

View Words::outcome(View sent, std::string& scratch) const {
  lower(sent, scratch);
  const View word = scratch;
  if (word.size() == 3 && word[0] >= '1' && word[0] <= '5' && is_digit(word[1]) && is_digit(word[2])) {
    return word < "400" ? "success" : "failure";  // an HTTP status code
  }
  const uint32_t sets = sets_of(word);
  if (sets & bit(kSuccesses)) return "success";
  return sets & bit(kFailures) ? "failure" : "unknown";
}

uint32_t Words::sets_of_name(View name, std::string& scratch, bool& is_auth_pair) const {
  uint32_t sets = 0;
  // The second words of the pairs that the last word begins; before the first word stands an empty one.
  const auto begun = auth_pairs_.find(std::string());
  const std::vector<std::string>* seconds = begun == auth_pairs_.end() ? nullptr : &begun->second;
  for (size_t at = 0; at < name.size();) {
    if (!is_upper(name[at]) && !is_lower(name[at]) && !is_digit(name[at])) {
      ++at;
      continue;
    }
    const size_t end = end_of_word(name, at);
    lower(name.substr(at, end - at), scratch);
    sets |= sets_of(scratch);
    if (seconds != nullptr && std::find(seconds->begin(), seconds->end(), scratch) != seconds->end()) {
      is_auth_pair = true;
    }
    const auto pairs = auth_pairs_.find(scratch);
    seconds = pairs == auth_pairs_.end() ? nullptr : &pairs->second;
    at = end;
  }
  return sets;
}

View Words::category(View action, View target_type, std::string& scratch) const {
  bool is_auth = false, ignored = false;
  const uint32_t known = sets_of_name(action, scratch, is_auth);
  if (is_auth || known & bit(kAuthWords)) return "auth";
  constexpr uint32_t kObjects = bit(kAdminObjects) | bit(kSystemObjects) | bit(kDataObjects);
  // Without an action, a change is assumed.
  const bool has_words = std::any_of(action.begin(), action.end(), [](char c) {
    return is_upper(c) || is_lower(c) || is_digit(c);
  });
  const bool changes = !has_words || known & bit(kChangeVerbs);
  if (known & bit(kAuthObjects)) return changes && !(known & bit(kAuthChecks)) ? "admin" : "auth";
  if (known & bit(kAdminVerbs)) return "admin";
  const uint32_t about = known & kObjects ? known : sets_of_name(target_type, scratch, ignored);
  if (about & bit(kDataObjects)) return "data";
  if (changes && about & (bit(kAdminObjects) | bit(kAuthObjects))) return "admin";
  if (known & bit(kSystemVerbs) || (changes && about & bit(kSystemObjects))) return "system";
  return "data";
}

}  // namespace lognotary
