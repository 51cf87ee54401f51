#include "attributes.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

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

}  // namespace lognotary
