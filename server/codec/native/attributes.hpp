// Attributes in their stored order: sorted by key, then by text and type.
#pragma once

#include "messages.hpp"
#include "table.hpp"

namespace lognotary {

// Fills `sorted` with the texts of attributes, in their stored order.
void sort_attributes(const std::vector<Attribute>& attributes, std::vector<Member>& sorted, Arena& arena);

// The keys of a record's attributes in the order in which they were sent. Senders repeat themselves, so
// what follows from the keys alone is worked out once.
struct Layout {
  std::vector<uint32_t> keys;   // numbers in the request's dictionary
  std::vector<uint32_t> order;  // place in the stored order -> place as sent
  bool distinct = false;        // no key twice: the keys alone decide about the order
  std::vector<uint32_t> numbers[2];  // of the keys in stored order, in the dictionary of each stream; or none yet
  // The details of the last record of this layout whose details follow from `shape` alone.
  uint64_t shape = 0;
  std::string details;
};

// Finds the layout of records, of which there are few in a request. Also knows the request's keys.
class Layouts {
 public:
  // Returns null where there are too many attributes to remember.
  Layout* find(const std::vector<Attribute>& attributes);

  const Dictionary& keys() const { return keys_; }

 private:
  static constexpr size_t kRemembered = 8;
  static constexpr size_t kMostAttributes = 128;

  bool fits(const Layout& layout, const std::vector<Attribute>& attributes) const;

  Dictionary keys_;
  std::vector<Layout> layouts_;
  size_t last_ = 0;
  size_t oldest_ = 0;
};

}  // namespace lognotary
