// Attributes in their stored order: sorted by key, then by text and type.
#pragma once

#include "messages.hpp"
#include "redaction.hpp"
#include "table.hpp"

namespace lognotary {

// Redacts attributes, if there is a redactor, and fills `members` with their texts, in the order in which they were
// sent.
void read_members(std::vector<Attribute>& attributes, std::vector<Member>& members, Arena& arena, Redactor* redactor);

// A key that was sent more than once, with its values in the order in which they were sent.
struct Repeated {
  View key;
  std::vector<View> values;
};

// Brings members, which are in the order in which they were sent, into their stored order, and fills `repeated` with
// the keys that are there more than once, in order.
void sort_members(std::vector<Member>& members, std::vector<Repeated>& repeated);

// Appends the detail that tells the order of the values of repeated keys, if it is not their stored order.
void append_order(std::string& out, View name, const std::vector<Repeated>& repeated);

// The keys of a record's attributes in the order in which they were sent. Senders repeat themselves, so
// what follows from the keys alone is worked out once.
struct Layout {
  uint64_t number = 0;          // of all layouts of a request, none of which is 0
  std::vector<uint32_t> keys;   // numbers in the request's dictionary
  std::vector<uint32_t> order;  // place in the stored order -> place as sent
  bool distinct = false;        // no key twice: the keys alone decide about the order
  std::vector<const KeyWord*> words;  // what Redactor::find has found for each key, if there is a redactor
  std::vector<uint32_t> numbers[2];  // of the keys in stored order, in the dictionary of each table; or none yet
  // The details of the last list of this layout whose details follow from `shape` alone.
  uint64_t shape = 0;
  std::string details;
};

// Finds the layout of lists, of which there are few in a request. Also knows the request's keys.
class Layouts {
 public:
  // Returns null where there are too many attributes to remember.
  Layout* find(const std::vector<Attribute>& attributes);

  const Dictionary& keys() const { return keys_; }

  static constexpr size_t kRemembered = 8;

 private:
  static constexpr size_t kMostAttributes = 128;

  bool fits(const Layout& layout, const std::vector<Attribute>& attributes) const;

  Dictionary keys_;
  std::vector<Layout> layouts_;
  size_t last_ = 0;
  size_t oldest_ = 0;
  uint64_t made_ = 0;
};

// Returns the types of scalars, three bits each, behind some bits of a `beginning` that is not 0; 0 if there are other
// types, or too many.
uint64_t shape_of(const std::vector<Attribute>& attributes, uint64_t beginning);

// The attributes of many records, one list after another: each is sorted, and written to a column and to a canonical
// record.
class AttributeLists {
 public:
  void clear();  // at the beginning of a request

  // Sorts a list, and redacts it, if there is a redactor. All else is about the list that was sorted last, and lives as
  // long as it and the arena.
  void sort(std::vector<Attribute>& attributes, Arena& arena, Redactor* redactor);

  const std::vector<Member>& members() const { return members_; }
  const std::vector<Repeated>& repeated() const { return repeated_; }
  Layout* layout() { return layout_; }  // null if the keys alone do not decide about their order
  const Layout* layout() const { return layout_; }
  const Dictionary& keys() const { return layouts_.keys(); }

  // Returns a size that `write` does not exceed.
  size_t most_bytes() const;

  // Writes to a column, and to a canonical record at `at`; returns where that goes on. `table` tells the columns apart
  // of which each has some of the lists: 0 or 1.
  char* write(char* at, MapColumn& column, size_t table);

  // Appends what append_types does.
  void append_types(std::string& out, View name, const std::vector<Attribute>& attributes);

 private:
  Layouts layouts_;
  Layout* layout_ = nullptr;
  std::vector<Member> members_;
  std::vector<Repeated> repeated_;
};

}  // namespace lognotary
