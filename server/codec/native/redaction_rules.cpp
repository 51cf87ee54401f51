#include "redaction_rules.hpp"

#include <algorithm>
#include <functional>

#include "redaction_forms.hpp"

namespace lognotary {
namespace {

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

bool in_run(char c) { return is(c, kLetter | kDigit) || static_cast<unsigned char>(c) >= 0x80; }

bool begins_word(View run, size_t at) {
  if (!is_capital(run[at])) return false;
  return !is_capital(run[at - 1]) || (at + 1 < run.size() && run[at + 1] >= 'a' && run[at + 1] <= 'z');
}

}  // namespace

const KeyWord Redaction::kKept{{}, kCustomRule};

void KeyWords::split(View key) {
  words.clear();
  lower.resize(key.size());
  for (size_t i = 0; i < key.size(); ++i) lower[i] = lower_of(key[i]);
  for (size_t i = 0; i < key.size();) {
    if (is_percent_encoded(key, i)) {
      i += 3;
      continue;
    }
    size_t end = i;
    while (end < key.size() && in_run(key[end])) ++end;
    if (end == i) {
      ++i;
      continue;
    }
    const View run = key.substr(i, end - i);
    size_t start = 0;
    for (size_t at = 1; at <= run.size(); ++at) {
      if (at < run.size() && !begins_word(run, at)) continue;
      size_t last = at;
      while (last > start && is(run[last - 1], kDigit)) --last;
      if (last > start) words.push_back(View(lower).substr(i + start, last - start));
      start = at;
    }
    i = end;
  }
}

Redaction::Redaction(std::string key) : key_(std::move(key)) {
  for (const char separator : {'=', ':'}) stops_.add(Stops::kSeparator, separator);
  for (const char first : {'B', 'b'}) stops_.add(Stops::kScheme, first);
  for (const char quote : {'\'', '"'}) stops_.add(Stops::kQuote, quote);
  stops_.add(Stops::kOption, '-');
  for (int byte = 0; byte < 256; ++byte) {
    const char before = static_cast<char>(byte);
    stops_.add_before(Stops::kSeparator, before);
    if (may_precede_token(before)) stops_.add_before(Stops::kScheme, before);
  }
  for (const char before : View(" \t\n\r\v\f\\EN")) stops_.add_before(Stops::kQuote, before);
  for (const char before : View(" \t\n\r\v\f\\dDsSyYnrt")) stops_.add_two_before(Stops::kQuote, before);
  stops_.add_before(Stops::kOption, '-');
  for (const Stops::Kind kind : {Stops::kSeparator, Stops::kScheme, Stops::kOption}) {
    stops_.add_any_two_before(kind);
  }
  for (const char quote : {'\'', '"'}) stops_.add(Stops::kDot, quote);  // behind \n, which few texts have before a dot
  for (const char escaped : View("nrt")) stops_.add_before(Stops::kDot, escaped);
  stops_.add_two_before(Stops::kDot, '\\');
  for (const View end : {"eyJ", "03d", "03D", " by", "\tby", "\nby", "\rby", "\vby", "\fby", " BY"}) {
    add_stop_of_token(end);
  }
}

void Redaction::add_stop_of_token(View up_to_stop) {
  const char stop = up_to_stop.back();
  const Stops::Kind kind = stop == '-' ? Stops::kHyphen : stop == '_' ? Stops::kUnderscore : stop == '.' ? Stops::kDot : Stops::kLetter;
  up_to_stop.remove_suffix(1);
  stops_.add(kind, stop);
  stops_.add_before(kind, up_to_stop.back());
  stops_.add_two_before(kind, up_to_stop[up_to_stop.size() - 2]);
}

void Redaction::add_rule(std::string name, RedactionMode mode) {
  names_[rules_] = std::move(name);
  modes_[rules_++] = mode;
  on_ = on_ || mode != RedactionMode::kOff;
  discloses_ = discloses_ || mode == RedactionMode::kDisclose;
}

void Redaction::add_word(std::vector<std::string> words, int rule, bool prose, bool counts, bool parts,
                         bool paths, bool alone, bool parameter) {
  std::vector<KeyWord>& list = words_[bucket(words.back())];
  list.push_back({std::move(words), static_cast<RedactionRule>(rule), prose, counts, parts, paths, alone,
                  parameter});
}

void Redaction::add_not_secret(std::string word) {
  std::vector<std::string>& list = not_secret_[bucket(word)];
  list.push_back(std::move(word));
}

void Redaction::add_prefix(std::string text, size_t stop, int rule, int characters, size_t shortest, size_t longest,
                           bool digit) {
  short_ = std::min(short_, text.size() + shortest);
  add_stop_of_token(View(text).substr(0, stop + 1));
  std::vector<Prefix>& list = prefixes_[bucket(View(text).substr(stop - 1, 2))];
  list.push_back({std::move(text), stop, static_cast<RedactionRule>(rule), static_cast<Characters>(characters),
                  shortest, longest, digit});
}

const KeyWord* Redaction::find(View key, KeyWords& scratch) const {
  if (key.empty() || key.size() > KeyWords::kLongestRemembered) return look_up(key, scratch);
  scratch.known.resize(KeyWords::kRemembered);
  KeyWords::Known& known = scratch.known[std::hash<View>{}(key) % KeyWords::kRemembered];
  if (known.is_set && known.key == key) return known.word;
  known.word = look_up(key, scratch);
  known.key.assign(key);
  known.is_set = true;
  return known.word;
}

const KeyWord* Redaction::look_up(View key, KeyWords& scratch) const {
  scratch.split(key);
  if (keeps(scratch)) return &kKept;
  for (size_t count = scratch.words.size(); count > 0; --count) {
    if (const KeyWord* const found = ending(scratch.words, count); found != nullptr) return found;
    if (is_not_secret(scratch.words[count - 1])) return nullptr;
  }
  return nullptr;
}

const KeyWord* Redaction::find_option(View name, KeyWords& scratch) const {
  const KeyWord* const word = find(name, scratch);
  if (word == nullptr || word == &kKept) return nullptr;
  const RedactionRule rule = word->rule;  // others have names of files or secrets as values
  if (rule != kPasswordRule && rule != kTokenRule && rule != kApiKeyRule && rule != kCustomRule) return nullptr;
  scratch.split(name);
  if (std::find(not_options_.begin(), not_options_.end(), scratch.words.front()) != not_options_.end()) return nullptr;
  return std::equal(word->words.rbegin(), word->words.rend(), scratch.words.rbegin()) ? word : nullptr;
}

const KeyWord* Redaction::ending(const std::vector<View>& words, size_t count) const {
  for (const KeyWord& candidate : words_[bucket(words[count - 1])]) {
    const size_t size = candidate.words.size();
    if (candidate.alone && size != words.size()) continue;
    if (size <= count && std::equal(candidate.words.begin(), candidate.words.end(), words.begin() + (count - size))) {
      return &candidate;
    }
  }
  return nullptr;
}

bool Redaction::keeps(const KeyWords& key) const {
  for (const std::vector<std::string>& kept : kept_words_) {
    if (kept.size() > key.words.size()) continue;
    if (std::equal(kept.rbegin(), kept.rend(), key.words.rbegin())) return true;
  }
  return !kept_.empty() && std::find(kept_.begin(), kept_.end(), key.lower) != kept_.end();
}

bool Redaction::is_not_secret(View word) const {
  const std::vector<std::string>& list = not_secret_[bucket(word)];
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace lognotary
