// Values within the texts of one record, or of what several records have in common.
#pragma once

#include "paths.hpp"
#include "texts.hpp"

namespace lognotary {

// Looks up paths, and remembers what it has read: each object and list is read once, however many paths lead into it.
// So the time grows with the size of the texts only, and what is remembered with the number of paths only.
class Lookup {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  explicit Lookup(const WantedPaths& paths) : paths_(paths), scanned_members_(paths.keys().size()) {}

  // Forgets everything; what is found from now on may point into the arena.
  void clear(Arena& arena) {
    nodes_.clear();
    arena_ = &arena;
  }

  // Returns the node of a value, for `find` and `reach`. The value itself may be a key=value text with `pairs_too`, texts
  // in it never.
  uint32_t add(const RawValue& value, bool pairs_too = false);

  // Fills in the value to which the segments of a path from `from` on lead; false if there is none or if it is null.
  bool find(uint32_t node, const Path& path, size_t from, View& found);

  // Fills in the list to which a path of keys leads; false if there is none or if it is empty.
  bool find_list(uint32_t node, const Path& path, size_t from, View& list);

  // Returns the bytes of all objects and lists that were read, of each as often as it was read.
  uint64_t bytes_read() const { return bytes_read_; }
  void count(View text) { bytes_read_ += text.size(); }

 private:
  // A value that was found. Its members that paths ask for are nodes one behind the other, sorted by key. What was looked
  // up in a list is a chain of nodes.
  struct Node {
    RawValue value;
    View plain;
    int64_t key = 0;            // the number of its key or its family, or its position
    uint32_t members = kNone;   // the first member, once they have been read
    uint32_t count = 0;         // of members
    uint32_t elements = kNone;  // the first of the chain
    uint32_t next = kNone;      // in the chain
    Segment::Kind kind = Segment::kKey;
    bool pairs_too = false, is_decoded = false, is_plain = false;
  };

  View text(uint32_t number);
  View plain_text(uint32_t number);
  bool step(uint32_t& node, const Path& path, size_t& from);
  uint32_t member(uint32_t number, uint32_t key);
  void read(uint32_t number);
  uint32_t element(uint32_t list, int64_t index);
  uint32_t family(uint32_t list, uint32_t number);
  uint32_t text_of_bytes(uint32_t number, Segment::Kind kind);
  uint32_t known_element(uint32_t list, Segment::Kind kind, int64_t key) const;
  void remember_element(uint32_t list, uint32_t element, Segment::Kind kind, int64_t key);

  const WantedPaths& paths_;
  Slots<RawValue> scanned_members_;
  std::vector<Node> nodes_;
  Arena* arena_ = nullptr;
  uint64_t bytes_read_ = 0;
};

}  // namespace lognotary
