#include "lookup.hpp"

#include <algorithm>

namespace lognotary {
namespace {

bool may_be_list(View text) { return shape_of(text) == Shape::kList; }

void append_part(std::string& joined, View part) {
  if (part.empty()) return;
  if (!joined.empty()) joined += ',';
  joined += part;
}

// Returns a list of scalars as their texts with commas between them, and every other text unchanged.
View plain(View text, Arena& arena) {
  if (text.empty() || text.front() != '[') return text;
  std::string joined;
  Elements elements(text);
  while (elements.next()) {
    const View element = elements.value().raw;
    if (elements.value().kind == RawValue::kPlain && (element.front() == '{' || element.front() == '[')) return text;
    append_part(joined, elements.text(arena));
  }
  return elements.is_whole() ? arena.keep(joined) : text;
}

// Appends the byte that an element of a list stands for; false if it stands for none.
bool append_byte(std::string& bytes, View element) {
  if (element.size() > 2 && element.substr(element.size() - 2) == ".0") element.remove_suffix(2);
  if (element.empty() || element.size() > 3) return false;
  unsigned value = 0;
  for (const char digit : element) {
    if (digit < '0' || digit > '9') return false;
    value = value * 10 + static_cast<unsigned>(digit - '0');
  }
  bytes += static_cast<char>(value);
  return value < 256;
}

// Appends the bytes that hexadecimal digits stand for; false if a text has something else.
bool append_hex(std::string& bytes, View digits) {
  const auto value = [](char c) {
    return View("0123456789abcdef").find(c >= 'A' && c <= 'F' ? static_cast<char>(c | 32) : c);
  };
  if (digits.size() % 2 != 0) return false;
  for (size_t at = 0; at < digits.size(); at += 2) {
    const size_t high = value(digits[at]), low = value(digits[at + 1]);
    if (high == View::npos || low == View::npos) return false;
    bytes += static_cast<char>(high << 4 | low);
  }
  return true;
}

// Returns a text with U+FFFD in place of each byte that is not UTF-8.
std::string as_utf8(View bytes) {
  std::string text;
  for (size_t at = 0; at < bytes.size();) {
    size_t length = 1;
    while (length <= 4 && !is_utf8(bytes.substr(at, length))) ++length;
    const bool is_character = length <= 4;
    text += is_character ? bytes.substr(at, length) : View("\xEF\xBF\xBD");
    at += is_character ? length : 1;
  }
  return text;
}

}  // namespace

uint32_t Lookup::add(const RawValue& value, bool pairs_too) {
  Node& node = nodes_.emplace_back();
  node.value = value;
  node.pairs_too = pairs_too;
  return static_cast<uint32_t>(nodes_.size() - 1);
}

bool Lookup::find(uint32_t node, const Path& path, size_t from, View& found) {
  while (from < path.segments.size()) {
    const Segment& segment = path.segments[from];
    if (segment.kind == Segment::kKey) {
      if (!step(node, path, from)) return false;
      continue;
    }
    const Tail tail = path.tails[from];
    ++from;
    if (segment.kind != Segment::kHex && !may_be_list(text(node))) continue;
    if (segment.kind == Segment::kAll) {
      found = nodes_[family(node, tail.family) + tail.number].value.raw;
      return !found.empty();
    }
    node = segment.kind == Segment::kIndex ? element(node, segment.index) : text_of_bytes(node, segment.kind);
    if (nodes_[node].value.kind == RawValue::kNone) return false;
  }
  found = plain_text(node);
  return true;
}

bool Lookup::find_list(uint32_t node, const Path& path, size_t from, View& list) {
  while (from < path.segments.size()) {
    if (!step(node, path, from)) return false;
  }
  list = text(node);
  Elements elements(list);
  return elements.next();
}

// Goes on to the member with the longest key that is there; false if there is none, or if it is null.
bool Lookup::step(uint32_t& node, const Path& path, size_t& from) {
  for (const Beginning& beginning : path.beginnings[from]) {
    const uint32_t found = member(node, beginning.number);
    if (found == kNone) continue;
    if (nodes_[found].value.kind == RawValue::kNull) return false;
    node = found;
    from += beginning.count;
    return true;
  }
  return false;
}

View Lookup::text(uint32_t number) {
  Node& node = nodes_[number];
  if (!node.is_decoded) {
    node.value = {RawValue::kPlain, node.value.text(*arena_)};
    node.is_decoded = true;
  }
  return node.value.raw;
}

View Lookup::plain_text(uint32_t number) {
  const View as_written = text(number);
  if (as_written.empty() || as_written.front() != '[') return as_written;
  if (!nodes_[number].is_plain) {
    count(as_written);
    nodes_[number].plain = plain(as_written, *arena_);
    nodes_[number].is_plain = true;
  }
  return nodes_[number].plain;
}

uint32_t Lookup::member(uint32_t number, uint32_t key) {
  if (nodes_[number].members == kNone) read(number);
  const auto first = nodes_.begin() + nodes_[number].members, end = first + nodes_[number].count;
  const auto found = std::lower_bound(first, end, key, [](const Node& node, uint32_t wanted) { return node.key < wanted; });
  return found == end || found->key != key ? kNone : static_cast<uint32_t>(found - nodes_.begin());
}

// Reads the members of a text that paths ask for. Of members with the same key the last counts, of pairs the first.
void Lookup::read(uint32_t number) {
  const View from = text(number);
  const bool pairs_too = nodes_[number].pairs_too;
  scanned_members_.clear();
  switch (shape_of(from)) {
    case Shape::kObject:
      count(from);
      for (Members members(from); members.next();) {
        const uint32_t key = paths_.keys().find(members.key(*arena_));
        if (key != Keys::kUnknown) scanned_members_.set(key, members.value());
      }
      break;
    case Shape::kPairs:
      if (!pairs_too) break;
      count(from);
      for (Pairs pairs(from); pairs.next();) {
        const uint32_t key = paths_.keys().find(pairs.key());
        if (key != Keys::kUnknown && !scanned_members_.has(key)) scanned_members_.set(key, pairs.value());
      }
      break;
    case Shape::kList:
      break;
  }
  std::vector<uint32_t>& keys = scanned_members_.filled();
  std::sort(keys.begin(), keys.end());
  nodes_[number].members = static_cast<uint32_t>(nodes_.size());
  nodes_[number].count = static_cast<uint32_t>(keys.size());
  for (const uint32_t key : keys) nodes_[add(scanned_members_.get(key))].key = key;
}

// Returns what was looked up in a list, or kNone if it has not been looked up.
uint32_t Lookup::known_element(uint32_t list, Segment::Kind kind, int64_t key) const {
  uint32_t at = nodes_[list].elements;
  while (at != kNone && (nodes_[at].kind != kind || nodes_[at].key != key)) at = nodes_[at].next;
  return at;
}

void Lookup::remember_element(uint32_t list, uint32_t element, Segment::Kind kind, int64_t key) {
  nodes_[element].kind = kind;
  nodes_[element].key = key;
  nodes_[element].next = nodes_[list].elements;
  nodes_[list].elements = element;
}

// Returns the node of an element; its value is of the kind kNone if the list has none there.
uint32_t Lookup::element(uint32_t list, int64_t index) {
  if (const uint32_t known = known_element(list, Segment::kIndex, index); known != kNone) return known;
  const View from = text(list);
  RawValue value;
  Elements elements(from);
  bool is_there = false;
  for (int64_t left = index; elements.next(); --left) {
    count(elements.value().raw);
    value = elements.value();
    is_there = left <= 0;
    if (left == 0) break;
  }
  if (!is_there) value = {};
  if (value.kind == RawValue::kNull) value = {RawValue::kPlain, View()};
  const uint32_t found = add(value);
  remember_element(list, found, Segment::kIndex, index);
  return found;
}

// Returns the first of the nodes in which all elements of a list are joined, one for each path of a family.
uint32_t Lookup::family(uint32_t list, uint32_t number) {
  if (const uint32_t known = known_element(list, Segment::kAll, number); known != kNone) return known;
  const Family& family = paths_.family(number);
  std::vector<std::string> joined(family.tails.size());
  const View from = text(list);
  count(from);
  for (Elements elements(from); elements.next();) {
    const View text = elements.text(*arena_);
    if (family.needs_objects && shape_of(text) != Shape::kObject) continue;
    const size_t before = nodes_.size();
    const uint32_t one = add({RawValue::kPlain, text});
    for (size_t tail = 0; tail < family.tails.size(); ++tail) {
      View part;
      if (find(one, family.tails[tail], 0, part)) append_part(joined[tail], part);
    }
    nodes_.resize(before);
  }
  const auto first = static_cast<uint32_t>(nodes_.size());
  for (const std::string& text : joined) add({RawValue::kPlain, arena_->keep(text)});
  remember_element(list, first, Segment::kAll, number);
  return first;
}

// Returns the node of the text of a list of bytes, or of hexadecimal digits; of anything else its own text.
uint32_t Lookup::text_of_bytes(uint32_t number, Segment::Kind kind) {
  if (const uint32_t known = known_element(number, kind, 0); known != kNone) return known;
  const View from = text(number);
  count(from);
  std::string bytes;
  bool are_bytes = kind != Segment::kHex || append_hex(bytes, from);
  if (kind == Segment::kBytes) {
    for (Elements elements(from); are_bytes && elements.next();) are_bytes = append_byte(bytes, elements.text(*arena_));
  }
  are_bytes = are_bytes && !bytes.empty();
  const uint32_t found = add({RawValue::kPlain, are_bytes ? arena_->keep(as_utf8(bytes)) : from});
  remember_element(number, found, kind, 0);
  return found;
}

}  // namespace lognotary
