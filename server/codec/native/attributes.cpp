#include "attributes.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "details.hpp"
#include "scalar.hpp"

namespace lognotary {

namespace {

// Redacts an attribute, of which `word` says what Redactor::find has found for its key, and returns it as a member.
Member redacted_member(Attribute& attribute, const KeyWord* word, Arena& arena, Redactor* redactor) {
  if (redactor != nullptr && !redactor->redact_value(word, attribute.value, arena)) redactor = nullptr;
  const Text text = as_text(attribute.value, arena, redactor);
  return {attribute.key, text.text, text.type};
}

}  // namespace

void read_members(std::vector<Attribute>& attributes, std::vector<Member>& members, Arena& arena, Redactor* redactor) {
  members.clear();
  for (Attribute& attribute : attributes) {
    const KeyWord* const word = redactor != nullptr ? redactor->find(attribute.key) : nullptr;
    members.push_back(redacted_member(attribute, word, arena, redactor));
  }
}

void sort_members(std::vector<Member>& members, std::vector<Repeated>& repeated) {
  repeated.clear();
  std::stable_sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
  for (size_t first = 0, last; first < members.size(); first = last) {
    last = first + 1;
    while (last < members.size() && members[last].key == members[first].key) ++last;
    if (last - first == 1) continue;
    Repeated& one = repeated.emplace_back();
    one.key = members[first].key;
    for (size_t i = first; i < last; ++i) one.values.push_back(members[i].text);
    std::sort(members.begin() + static_cast<ptrdiff_t>(first), members.begin() + static_cast<ptrdiff_t>(last),
              [](const Member& a, const Member& b) { return std::tie(a.text, a.type) < std::tie(b.text, b.type); });
  }
}

void append_order(std::string& out, View name, const std::vector<Repeated>& repeated) {
  bool any = false;
  for (const Repeated& one : repeated) {
    std::vector<size_t> stored(one.values.size()), places(one.values.size());
    std::iota(stored.begin(), stored.end(), 0);
    std::stable_sort(stored.begin(), stored.end(), [&](size_t a, size_t b) { return one.values[a] < one.values[b]; });
    if (std::is_sorted(stored.begin(), stored.end())) continue;
    for (size_t place = 0; place < stored.size(); ++place) places[stored[place]] = place;
    out += any ? View(",") : name;
    any = true;
    append_json(out, one.key);
    out += ':';
    for (size_t i = 0; i < places.size(); ++i) {
      out += i == 0 ? '[' : ',';
      out += std::to_string(places[i]);
    }
    out += ']';
  }
  if (any) out += "},";
}

Layout* Layouts::find(const std::vector<Attribute>& attributes) {
  if (attributes.size() > kMostAttributes) return nullptr;
  if (!layouts_.empty() && fits(layouts_[last_], attributes)) return &layouts_[last_];
  for (size_t i = 0; i < layouts_.size(); ++i) {
    if (fits(layouts_[i], attributes)) return &layouts_[last_ = i];
  }
  if (layouts_.size() < kRemembered) {
    last_ = layouts_.size();
    layouts_.emplace_back();
  } else {
    last_ = oldest_++ % kRemembered;
    layouts_[last_] = Layout();
  }
  Layout& layout = layouts_[last_];
  layout.number = ++made_;
  for (const Attribute& attribute : attributes) layout.keys.push_back(keys_.add(attribute.key));
  layout.order.resize(attributes.size());
  std::iota(layout.order.begin(), layout.order.end(), 0);
  const auto key = [&](uint32_t place) { return attributes[place].key; };
  std::sort(layout.order.begin(), layout.order.end(), [&](uint32_t a, uint32_t b) { return key(a) < key(b); });
  layout.distinct = std::adjacent_find(layout.order.begin(), layout.order.end(), [&](uint32_t a, uint32_t b) {
                      return key(a) == key(b);
                    }) == layout.order.end();
  return &layout;
}

bool Layouts::fits(const Layout& layout, const std::vector<Attribute>& attributes) const {
  if (layout.keys.size() != attributes.size()) return false;
  for (size_t i = 0; i < attributes.size(); ++i) {
    if (!same(keys_[layout.keys[i]], attributes[i].key)) return false;
  }
  return true;
}

uint64_t shape_of(const std::vector<Attribute>& attributes, uint64_t beginning) {
  constexpr size_t kMostAttributes = 19;  // of three bits each, after up to seven bits
  if (attributes.size() > kMostAttributes) return 0;
  uint64_t shape = beginning;
  for (const Attribute& attribute : attributes) {
    if (attribute.value.kind >= Kind::kArray) return 0;
    shape = shape << 3 | static_cast<uint64_t>(attribute.value.kind);
  }
  return shape;
}

void AttributeLists::clear() {
  layouts_ = Layouts();  // they belong to a request's dictionaries
  layout_ = nullptr;
}

void AttributeLists::sort(std::vector<Attribute>& attributes, Arena& arena, Redactor* redactor) {
  // Commitments are made in the order in which attributes were sent.
  layout_ = redactor != nullptr && redactor->discloses() ? nullptr : layouts_.find(attributes);
  if (layout_ != nullptr && !layout_->distinct) layout_ = nullptr;
  repeated_.clear();
  if (layout_ == nullptr) {
    read_members(attributes, members_, arena, redactor);
    sort_members(members_, repeated_);
    return;
  }
  if (redactor != nullptr && layout_->words.size() != attributes.size()) {
    for (const Attribute& attribute : attributes) layout_->words.push_back(redactor->find(attribute.key));
  }
  members_.resize(layout_->order.size());
  for (size_t i = 0; i < members_.size(); ++i) {
    const uint32_t place = layout_->order[i];
    const KeyWord* const word = redactor != nullptr ? layout_->words[place] : nullptr;
    members_[i] = redacted_member(attributes[place], word, arena, redactor);
  }
}

size_t AttributeLists::most_bytes() const {
  size_t size = kLongestVarint;
  for (const Member& member : members_) size += 2 * kLongestVarint + member.key.size() + member.text.size();
  return size;
}

char* AttributeLists::write(char* at, MapColumn& column, size_t table) {
  column.lengths.put(static_cast<uint32_t>(members_.size()));
  at += write_varint(at, members_.size());
  for (const Member& member : members_) {
    if (layout_ == nullptr) column.keys.put(member.key);
    at += write_string(at, member.key);
    at += write_string(at, member.text);
    column.values.put_string(member.text);
  }
  if (layout_ == nullptr) return at;
  std::vector<uint32_t>& numbers = layout_->numbers[table];
  if (numbers.size() != members_.size()) {
    for (const Member& member : members_) numbers.push_back(column.keys.dictionary.add(member.key));
  }
  column.keys.put_all(numbers);
  return at;
}

void AttributeLists::append_types(std::string& out, View name, const std::vector<Attribute>& attributes) {
  const uint64_t shape = layout_ != nullptr ? shape_of(attributes, 1) : 0;
  if (shape == 0) {
    lognotary::append_types(out, name, members_);
    return;
  }
  if (shape != layout_->shape) {
    layout_->shape = shape;
    layout_->details.clear();
    lognotary::append_types(layout_->details, name, members_);
  }
  out += layout_->details;
}

}  // namespace lognotary
