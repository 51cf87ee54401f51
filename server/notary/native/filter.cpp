#include "filter.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "cursor.hpp"

namespace lognotary {
namespace {

char lower_letter(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter; }

char upper_letter(char letter) { return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter & ~0x20) : letter; }

bool is_in_word(char letter) {
  return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         static_cast<unsigned char>(letter) >= 0x80;
}

bool ends_gap(char letter) { return letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n'; }

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

size_t position_of(View text, View sought, size_t from) {
  if (from > text.size()) return View::npos;
  if (sought.empty()) return from;
  if (sought.size() > text.size() - from) return View::npos;
  const void* const found = memmem(text.data() + from, text.size() - from, sought.data(), sought.size());
  return found == nullptr ? View::npos : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

// Returns whether a text contains a word, with no letters of the same word beside it.
bool has_word(View text, View word) {
  for (size_t at = position_of(text, word, 0); at != View::npos; at = position_of(text, word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !is_in_word(text[at - 1])) && (end == text.size() || !is_in_word(text[end]))) return true;
  }
  return false;
}

// Returns whether a text is a number, as storage/conditions.py says, and the number.
bool read_number(View text, double& number) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const bool negative = at != end && *at == '-';
  at += negative;
  const char* const digits = at;
  const auto skip_digits = [&] {
    const char* const begin = at;
    while (at != end && is_digit(*at)) ++at;
    return at - begin;
  };
  if (skip_digits() == 0) return false;
  if (at != end && *at == '.') {
    ++at;
    if (skip_digits() == 0) return false;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != end && (*at == '-' || *at == '+')) ++at;
    const auto size = skip_digits();
    if (size < 1 || size > 2) return false;
  }
  if (at != end) return false;
  const auto [_, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range) {
    // Exponents have two digits at most, so that only the number of digits before the point can make it too large.
    const char* whole = digits;
    while (whole != end && *whole == '0') ++whole;
    const char* const begin = whole;
    while (whole != end && is_digit(*whole)) ++whole;
    number = whole - begin > 100 ? std::numeric_limits<double>::infinity() : 0.0;
    if (negative) number = -number;
  }
  return true;
}

template <typename Number>
bool is_within(const Number& value, EndKind low_kind, const Number& low, EndKind high_kind, const Number& high) {
  if (low_kind != EndKind::kOpen && !(value > low || (low_kind == EndKind::kIncluded && value == low))) return false;
  return high_kind == EndKind::kOpen || value < high || (high_kind == EndKind::kIncluded && value == high);
}

// Finds the first value of a key in an encoded map.
bool find_key(View map, View key, View& value) {
  Cursor cursor(map);
  uint64_t pairs;
  Pair pair;
  if (!cursor.take_length(pairs)) return false;
  for (; pairs > 0 && cursor.take_pair(pair); --pairs) {
    if (pair.key != key) continue;
    value = pair.value;
    return true;
  }
  return false;
}

}  // namespace

RecordFilter::RecordFilter(View program, View kinds) : kinds_(kinds) {
  size_t columns = 0;
  root_ = read_program(program, kinds, columns);
  columns_.resize(columns);
}

bool RecordFilter::holds(View record, uint64_t leaf) {
  leaf_ = leaf;
  Cursor cursor(record);
  size_t place = 0;
  for (View& column : columns_) {
    const char* const begin = cursor.at();
    auto kind = static_cast<Kind>(kinds_[place++]);
    uint64_t values = 1;
    bool whole = true;
    if (kind == kArray) {
      kind = static_cast<Kind>(kinds_[place++]);
      whole = cursor.take_length(values);
    }
    View text;
    for (; whole && values > 0; --values) {
      if (kind == kString) {
        whole = cursor.take_text(text);
      } else if (kind == kMap) {
        uint64_t pairs;
        whole = cursor.take_length(pairs);
        for (Pair pair; whole && pairs > 0; --pairs) whole = cursor.take_pair(pair);
      } else {
        whole = cursor.skip(kind);
      }
    }
    if (!whole) throw std::invalid_argument("the canonical record ends too early");
    column = kind == kString ? text : View(begin, static_cast<size_t>(cursor.at() - begin));
  }
  return test(root_);
}

bool RecordFilter::test(const Node& node) {
  const auto holds = [this](const Node& part) { return test(part); };
  switch (node.test) {
    case Test::kAllOf:
      return std::all_of(node.parts.begin(), node.parts.end(), holds);
    case Test::kAnyOf:
      return std::any_of(node.parts.begin(), node.parts.end(), holds);
    case Test::kNegated:
      return !test(node.parts.front());
    case Test::kIsOneOf:
      return is_one_of(node);
    case Test::kHolds:
      return position_of(lower(text(node.place)), node.text, 0) != View::npos;
    case Test::kResembles:
      return resembles(node);
    case Test::kHasWords:
      return has_words(node);
    case Test::kHasWordsLike:
      return has_words_like(node);
    case Test::kExists:
      return exists(node.place);
    case Test::kTextWithin: {
      const View value = text(node.place);
      return !value.empty() &&
             is_within(value, node.low.kind, View(node.low.text), node.high.kind, View(node.high.text));
    }
    case Test::kNumberWithin: {
      double value;
      return read_number(text(node.place), value) &&
             is_within(value, node.low.kind, node.low.number, node.high.kind, node.high.number);
    }
    case Test::kIntegerWithin: {
      const uint64_t value = node.number == NumberKind::kLeaf     ? leaf_
                             : node.number == NumberKind::kColumn ? integer(node.place.column)
                                                                  : node.place.other;
      return is_within(value, node.low.kind, node.low.integer, node.high.kind, node.high.integer);
    }
    case Test::kSeverityWithin:
      return is_severity_within(node);
    case Test::kTimeWithin:
      return is_time_within(node);
  }
  return false;
}

bool RecordFilter::is_one_of(const Node& node) {
  const View value = text(node.place);
  return std::find(node.texts.begin(), node.texts.end(), value) != node.texts.end();
}

// Each piece is taken as early as it occurs.
bool RecordFilter::resembles(const Node& node) {
  const View value = node.ignores_case ? lower(text(node.place)) : text(node.place);
  const View first = node.texts.front(), last = node.texts.back();
  if (value.substr(0, first.size()) != first) return false;
  size_t at = first.size();
  for (size_t piece = 1; piece + 1 < node.texts.size(); ++piece) {
    at = position_of(value, node.texts[piece], at);
    if (at == View::npos) return false;
    at += node.texts[piece].size();
  }
  return value.size() >= at + last.size() && value.substr(value.size() - last.size()) == last;
}

bool RecordFilter::has_words(const Node& node) {
  const View value = lower(text(node.place));
  if (position_of(value, node.text, 0) == View::npos) return false;
  return std::all_of(node.texts.begin(), node.texts.end(), [&](const std::string& word) { return has_word(value, word); });
}

// Follows all places where the pieces up to now may end.
bool RecordFilter::has_words_like(const Node& node) {
  const View value = lower(text(node.place));
  for (const std::string& piece : node.texts) {
    if (position_of(value, piece, 0) == View::npos) return false;
  }
  const View first = node.texts.front(), last = node.texts.back();
  ends_.assign(value.size() + 1, 0);
  for (size_t at = position_of(value, first, 0); at != View::npos; at = position_of(value, first, at + 1)) {
    const bool begins = first.empty() || !is_in_word(first.front()) || at == 0 || !is_in_word(value[at - 1]);
    if (begins) ends_[at + first.size()] = 1;
  }
  for (size_t piece = 1; piece < node.texts.size(); ++piece) {
    const View sought = node.texts[piece];
    reached_.assign(value.size() + 1, 0);
    bool goes_on = false;
    for (size_t at = 0; at <= value.size(); ++at) {
      goes_on = goes_on || ends_[at];
      if (goes_on && value.substr(at, sought.size()) == sought) reached_[at + sought.size()] = 1;
      if (at < value.size() && ends_gap(value[at])) goes_on = false;
    }
    ends_.swap(reached_);
  }
  const bool ends_word = !last.empty() && is_in_word(last.back());
  for (size_t at = 0; at <= value.size(); ++at) {
    if (ends_[at] && (!ends_word || at == value.size() || !is_in_word(value[at]))) return true;
  }
  return false;
}

bool RecordFilter::is_severity_within(const Node& node) const {
  auto number = static_cast<uint8_t>(integer(node.place.column));
  if (number == 0) {
    const View said = columns_[node.place.other];
    const auto is_name = [&](const std::string& name) {
      const auto alike = [](char one, char other) { return one == upper_letter(other); };
      return name.size() == said.size() && std::equal(name.begin(), name.end(), said.begin(), alike);
    };
    const auto found = std::find_if(node.texts.begin(), node.texts.end(), is_name);
    if (found != node.texts.end()) number = node.numbers[static_cast<size_t>(found - node.texts.begin())];
  }
  return node.lowest <= number && number <= node.highest;
}

bool RecordFilter::is_time_within(const Node& node) const {
  int64_t value = time(node.place.column);
  if (value == 0 && node.place.other != kNoColumn) value = time(node.place.other);
  if (node.low.kind != EndKind::kOpen && value < node.low.time) return false;
  return node.high.kind == EndKind::kOpen || value < node.high.time;
}

View RecordFilter::text(const Place& place) const {
  View value;
  switch (place.kind) {
    case PlaceKind::kConstant:
      return place.text;
    case PlaceKind::kColumn:
      return columns_[place.column];
    case PlaceKind::kAnyAttribute:
      if (!find_key(columns_[place.column], place.text, value)) find_key(columns_[place.other], place.text, value);
      return value;
    case PlaceKind::kAttribute:
      find_key(columns_[place.column], place.text, value);
      return value;
  }
  return value;
}

bool RecordFilter::exists(const Place& place) const {
  View value;
  switch (place.kind) {
    case PlaceKind::kConstant:
    case PlaceKind::kColumn:
      return !text(place).empty();
    case PlaceKind::kAnyAttribute:
      if (find_key(columns_[place.other], place.text, value)) return true;
      [[fallthrough]];
    case PlaceKind::kAttribute:
      return find_key(columns_[place.column], place.text, value);
  }
  return false;
}

uint64_t RecordFilter::integer(size_t column) const {
  uint64_t value = 0;
  std::memcpy(&value, columns_[column].data(), std::min(sizeof value, columns_[column].size()));
  return value;
}

int64_t RecordFilter::time(size_t column) const { return static_cast<int64_t>(integer(column)); }

View RecordFilter::lower(View text) {
  lower_.resize(text.size());
  std::transform(text.begin(), text.end(), lower_.begin(), lower_letter);
  return lower_;
}

}  // namespace lognotary
