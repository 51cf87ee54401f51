// Paths to values within attributes and bodies, prepared for looking up: the same as server/codec/audit/paths.py.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "wire.hpp"

namespace lognotary {

// Numbers of keys. They are few and the operator's own.
class Keys {
 public:
  static constexpr uint32_t kUnknown = UINT32_MAX;

  uint32_t add(const std::string& key);
  uint32_t find(View key) const { return may_be_known(key) ? known(key) : kUnknown; }
  size_t size() const { return numbers_.size(); }

 private:
  uint32_t known(View key) const;

  // Most keys are of no rule: their length and first character nearly always show that.
  static size_t beginning_of(View key) { return key.empty() ? 0 : static_cast<unsigned char>(key.front()); }
  bool may_be_known(View key) const { return lengths_[beginning_of(key)] >> (key.size() & 63) & 1; }

  std::array<uint64_t, 256> lengths_{};  // for each first character, the lengths of keys
  std::deque<std::string> keys_;
  std::unordered_map<View, uint32_t> numbers_;
};

// Values by the numbers of their keys.
template <typename T>
class Slots {
 public:
  explicit Slots(size_t size) : values_(size), rounds_(size, 0) {}

  void clear() {
    ++round_;
    filled_.clear();
  }

  void set(uint32_t slot, const T& value) {
    if (!has(slot)) filled_.push_back(slot);
    rounds_[slot] = round_;
    values_[slot] = value;
  }

  const std::vector<uint32_t>& filled() const { return filled_; }
  std::vector<uint32_t>& filled() { return filled_; }
  bool has(uint32_t slot) const { return rounds_[slot] == round_; }
  const T& get(uint32_t slot) const { return values_[slot]; }
  T& get(uint32_t slot) { return values_[slot]; }

 private:
  std::vector<T> values_;
  std::vector<uint64_t> rounds_;
  uint64_t round_ = 1;
  std::vector<uint32_t> filled_;
};

// A part of a path: a key, the position of an element, all elements, or the text of bytes in a list or in hexadecimal
// digits.
struct Segment {
  enum Kind : uint8_t { kKey, kIndex, kAll, kBytes, kHex };
  Kind kind = kKey;
  std::string key;
  int64_t index = 0;  // -1 is the last
};

using Segments = std::vector<Segment>;

// Where a path can begin: a key, and how many segments it has. The longest key first.
struct Beginning {
  std::string key;
  size_t count;
  uint32_t number = Keys::kUnknown;  // among the keys of WantedPaths
};

// What `[*]` leads to: the number of a Family, and of the rest of the path in it.
struct Tail {
  uint32_t family = 0;
  uint32_t number = 0;
};

struct Path {
  std::string text;
  Segments segments;
  std::vector<std::vector<Beginning>> beginnings;  // for each segment
  std::vector<Tail> tails;                         // for each segment, of those that are kAll

  void prepare();  // fills `beginnings`
};

// Paths that lead on from the elements of the same list. They are looked up together, so that a list is read once.
struct Family {
  std::deque<Path> tails;
  bool needs_objects = true;  // all of them begin with a key
};

// The paths that all rules look up within texts.
class WantedPaths {
 public:
  // Gives numbers to what a path can come to from a segment on.
  void add(Path& path, size_t from);

  const Keys& keys() const { return keys_; }
  const Family& family(uint32_t number) const { return families_[number]; }

 private:
  Tail tail(const Path& path, size_t at);

  Keys keys_;
  std::deque<Family> families_;
  std::map<std::string, uint32_t> families_by_path_;
  std::map<std::pair<uint32_t, std::string>, uint32_t> tails_by_path_;
};

}  // namespace lognotary
