// Search with regular expressions: the same as server/codec/regex_run.py, on programs of server/codec/regex_program.py.
//
// Sources: Ken Thompson, "Regular Expression Search Algorithm", Communications of the ACM 11 (6), 1968; Russ Cox,
// "Regular Expression Matching: the Virtual Machine Approach", https://swtch.com/~rsc/regexp/regexp2.html.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "wire.hpp"

namespace lognotary {

// Memory of searches, for one thread at a time. It serves any regular expressions in turn, and grows to the needs of the
// largest: then searches allocate nothing.
class RegexScratch {
 public:
  // How many instructions the threads of the last search came to.
  uint64_t steps() const { return steps_; }

 private:
  friend class Regex;

  static constexpr size_t kNowhere = SIZE_MAX;  // in both slots of a group that took no part

  // The threads in front of a byte, the preferred ones first: the instruction of each, and its slots.
  struct Threads {
    std::vector<uint32_t> indexes;
    std::vector<size_t> slots;
    size_t count = 0;
  };
  // An instruction that a thread has still to come to or, if `slot` is not kNoSlot, the old value of a slot.
  struct Ahead {
    uint32_t index;
    uint32_t slot;
    size_t value;
  };
  static constexpr uint32_t kNoSlot = UINT32_MAX;

  // Starts a search with a program of this size.
  void begin(size_t instructions, size_t slots);

  Threads now_, next_;
  std::vector<uint64_t> seen_;  // for each instruction, the round in which a thread last came to it
  uint64_t round_ = 0;          // one for each position of each search
  std::vector<Ahead> ahead_;
  std::vector<size_t> current_, matched_;  // slots
  uint64_t steps_ = 0;
};

// A compiled regular expression. It does not change: several threads may search at once, each with its own scratch.
class Regex {
 public:
  // Takes what Regex.encoded() in Python returns. Throws std::invalid_argument if it is not a program.
  explicit Regex(const std::vector<uint32_t>& encoded);

  size_t groups() const { return slots_ / 2; }

  // Returns how many bytes of a text may be searched: the same as Regex.most_bytes in Python.
  size_t most_bytes() const { return std::min(kMostBytes, kMostSteps / program_.size()); }

  // Returns whether the text has a match. If so, `groups` are filled with the texts of the groups, which point into
  // `text` and are empty if a group took no part. Time is linear in the text.
  bool search(View text, View* groups, RegexScratch& scratch) const;

 private:
  enum class Op : uint32_t { kMatch, kBytes, kSplit, kSave, kAssert, kTable };  // kTable: kBytes with a table
  enum Assertion : uint32_t { kTextStart, kTextEnd, kLineStart, kLineEnd, kWordBoundary, kNoWordBoundary };
  static constexpr uint16_t kNone = UINT16_MAX;
  static constexpr size_t kMostBytes = 8192, kMostSteps = size_t{1} << 21;  // as in regex_program.py

  struct Instruction {
    Op op;
    uint32_t next;
    uint32_t argument;        // of kTable: the number of its table
    unsigned char low, high;  // of kBytes
  };

  size_t next_start(View text, size_t position) const;
  bool may_start(View text, size_t position) const;
  void copy_slots(const size_t* from, size_t* to) const {  // they are few
    for (size_t i = 0; i < slots_; ++i) to[i] = from[i];
  }
  bool step(View text, size_t position, RegexScratch& scratch) const;
  void follow(View text, size_t position, uint32_t start, RegexScratch& scratch) const;
  uint32_t after(const Instruction& instruction, unsigned char byte) const;
  static bool holds(uint32_t assertion, View text, size_t position);

  std::vector<Instruction> program_;
  std::vector<std::array<uint16_t, 256>> tables_;  // for each byte, the index of the next instruction
  size_t slots_;
  uint32_t start_;
  bool anchored_;
  std::string prefix_;  // bytes with which every match begins
  bool can_be_empty_;
  std::array<bool, 256> first_;  // bytes with which a match can begin, if it cannot be empty
};

}  // namespace lognotary
