#include "attributes.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "details.hpp"
#include "scalar.hpp"

namespace lognotary {

void sort_attributes(const std::vector<Attribute>& attributes, std::vector<Member>& sorted, Arena& arena) {
  sorted.clear();
  for (const Attribute& attribute : attributes) {
    const Text text = as_text(attribute.value, arena);
    sorted.push_back({attribute.key, text.text, text.type});
  }
  std::sort(sorted.begin(), sorted.end(), [](const Member& a, const Member& b) {
    return std::tie(a.key, a.text, a.type) < std::tie(b.key, b.text, b.type);
  });
}

void find_repeated(const std::vector<Attribute>& attributes, const std::vector<Member>& sorted, Arena& arena,
                   std::vector<Repeated>& repeated) {
  repeated.clear();
  const auto alike = [](const Member& a, const Member& b) { return a.key == b.key; };
  if (std::adjacent_find(sorted.begin(), sorted.end(), alike) == sorted.end()) return;
  std::vector<const Attribute*> ordered;
  for (const Attribute& attribute : attributes) ordered.push_back(&attribute);
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) { return a->key < b->key; });
  for (size_t first = 0; first < ordered.size();) {
    size_t last = first;
    while (last < ordered.size() && ordered[last]->key == ordered[first]->key) ++last;
    if (last - first > 1) {
      Repeated& one = repeated.emplace_back();
      one.key = ordered[first]->key;
      for (size_t i = first; i < last; ++i) one.values.push_back(as_text(ordered[i]->value, arena).text);
    }
    first = last;
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

void AttributeLists::sort(const std::vector<Attribute>& attributes, Arena& arena) {
  layout_ = layouts_.find(attributes);
  if (layout_ != nullptr && !layout_->distinct) layout_ = nullptr;
  repeated_.clear();
  if (layout_ == nullptr) {
    sort_attributes(attributes, members_, arena);
    find_repeated(attributes, members_, arena, repeated_);
    return;
  }
  members_.resize(layout_->order.size());
  for (size_t i = 0; i < members_.size(); ++i) {
    const Attribute& attribute = attributes[layout_->order[i]];
    const Text text = as_text(attribute.value, arena);
    members_[i] = {attribute.key, text.text, text.type};
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
