#include "regex.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace lognotary {
namespace {

// Numbers of an encoded program, one after another.
class Numbers {
 public:
  explicit Numbers(const std::vector<uint32_t>& numbers) : numbers_(numbers) {}

  // Returns the next number, which must be less than `end`.
  uint32_t next(size_t end) {
    if (at_ == numbers_.size() || numbers_[at_] >= end) throw std::invalid_argument("not a regular expression's program");
    return numbers_[at_++];
  }
  unsigned char byte() { return static_cast<unsigned char>(next(256)); }

 private:
  const std::vector<uint32_t>& numbers_;
  size_t at_ = 0;
};

constexpr size_t kMost = UINT16_MAX;  // more than any count

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= 'a' && c <= 'z');
}

}  // namespace

Regex::Regex(const std::vector<uint32_t>& encoded) : first_{} {
  Numbers numbers(encoded);
  slots_ = 2 * size_t{numbers.next(kMost)};
  start_ = numbers.next(kMost);
  anchored_ = numbers.next(2) != 0;
  prefix_.resize(numbers.next(kMost));
  for (char& byte : prefix_) byte = static_cast<char>(numbers.byte());
  const uint32_t first = numbers.next(kMost);
  can_be_empty_ = first == 0;
  for (uint32_t i = 1; i < first; ++i) first_[numbers.byte()] = true;

  const size_t size = numbers.next(kMost);
  if (start_ >= size) throw std::invalid_argument("the program of a regular expression has no start");
  // What an argument must be less than, for each op.
  const size_t arguments[] = {1, 1, size, slots_, kNoWordBoundary + size_t{1}};
  for (size_t i = 0; i < size; ++i) {
    Instruction instruction{};
    const uint32_t op = numbers.next(std::size(arguments));
    instruction.op = static_cast<Op>(op);
    instruction.next = numbers.next(size);
    instruction.argument = numbers.next(arguments[op]);
    const uint32_t ranges = numbers.next(kMost);
    if (instruction.op == Op::kBytes && ranges != 1) {
      instruction.op = Op::kTable;
      instruction.argument = static_cast<uint32_t>(tables_.size());
      tables_.emplace_back().fill(kNone);
    }
    for (uint32_t range = 0; range < ranges; ++range) {
      instruction.low = numbers.byte();
      instruction.high = numbers.byte();
      instruction.next = numbers.next(size);
      if (instruction.op != Op::kTable) continue;
      for (size_t byte = instruction.low; byte <= instruction.high; ++byte) {
        tables_.back()[byte] = static_cast<uint16_t>(instruction.next);
      }
    }
    program_.push_back(instruction);
  }
}

bool Regex::search(View text, View* groups, RegexScratch& scratch) const {
  scratch.begin(program_.size(), slots_);
  bool matched = false;
  for (size_t position = 0; position <= text.size(); ++position) {
    if (!matched) {
      if (scratch.now_.count == 0) {
        const size_t next = next_start(text, position);
        if (next != position) ++scratch.round_;
        position = next;
      }
      if (may_start(text, position)) {
        std::fill_n(scratch.current_.begin(), slots_, RegexScratch::kNowhere);
        follow(text, position, start_, scratch);
      }
    }
    if (scratch.now_.count == 0 && (matched || anchored_)) break;
    if (step(text, position, scratch)) matched = true;
  }
  for (size_t i = 0; matched && i < slots_; i += 2) {
    const size_t start = scratch.matched_[i], end = scratch.matched_[i + 1];
    groups[i / 2] = start < end ? text.substr(start, end - start) : View();
  }
  return matched;
}

// Returns the first position from `position` on at which a match may start, or the end of the text.
size_t Regex::next_start(View text, size_t position) const {
  if (anchored_ || can_be_empty_) return position;
  if (!prefix_.empty()) return std::min(text.find(prefix_, position), text.size());
  while (position < text.size() && !first_[static_cast<unsigned char>(text[position])]) ++position;
  return position;
}

bool Regex::may_start(View text, size_t position) const {
  if (anchored_ && position > 0) return false;
  return can_be_empty_ || (position < text.size() && first_[static_cast<unsigned char>(text[position])]);
}

// Lets the threads read the byte at a position. Returns whether one matched in front of it, and keeps its slots.
bool Regex::step(View text, size_t position, RegexScratch& scratch) const {
  std::swap(scratch.now_, scratch.next_);
  scratch.now_.count = 0;
  ++scratch.round_;
  const RegexScratch::Threads& threads = scratch.next_;
  const size_t* slots = threads.slots.data();
  for (size_t i = 0; i < threads.count; ++i, slots += slots_) {
    const Instruction& instruction = program_[threads.indexes[i]];
    if (instruction.op == Op::kMatch) {
      copy_slots(slots, scratch.matched_.data());
      return true;  // the threads behind it are not preferred
    }
    if (position == text.size()) continue;
    const uint32_t target = after(instruction, static_cast<unsigned char>(text[position]));
    if (target == kNone || scratch.seen_[target] == scratch.round_) continue;
    copy_slots(slots, scratch.current_.data());
    follow(text, position + 1, target, scratch);
  }
  return false;
}

// Returns the index of the instruction after an instruction that reads a byte, or kNone if it does not fit the byte.
uint32_t Regex::after(const Instruction& instruction, unsigned char byte) const {
  if (instruction.op == Op::kTable) return tables_[instruction.argument][byte];
  return instruction.low <= byte && byte <= instruction.high ? instruction.next : kNone;
}

// Adds the threads that the thread with the slots `scratch.current_` becomes before it reads the next byte.
void Regex::follow(View text, size_t position, uint32_t start, RegexScratch& scratch) const {
  RegexScratch::Threads& threads = scratch.now_;
  uint64_t* const seen = scratch.seen_.data();
  size_t* const current = scratch.current_.data();
  RegexScratch::Ahead* const bottom = scratch.ahead_.data();
  RegexScratch::Ahead* top = bottom;
  const uint64_t round = scratch.round_;
  uint64_t steps = 0;
  uint32_t index = start;
  while (true) {
    while (seen[index] != round) {
      seen[index] = round;
      ++steps;
      const Instruction& instruction = program_[index];
      if (instruction.op == Op::kSplit) {
        *top++ = {instruction.argument, RegexScratch::kNoSlot, 0};
      } else if (instruction.op == Op::kSave) {
        *top++ = {0, instruction.argument, current[instruction.argument]};
        current[instruction.argument] = position;
      } else if (instruction.op == Op::kAssert) {
        if (!holds(instruction.argument, text, position)) break;
      } else {
        copy_slots(current, threads.slots.data() + threads.count * slots_);
        threads.indexes[threads.count++] = index;
        break;
      }
      index = instruction.next;
    }
    for (; top != bottom && (top - 1)->slot != RegexScratch::kNoSlot; --top) current[(top - 1)->slot] = (top - 1)->value;
    if (top == bottom) break;
    index = (--top)->index;
  }
  scratch.steps_ += steps;
}

bool Regex::holds(uint32_t assertion, View text, size_t position) {
  const bool at_start = position == 0, at_end = position == text.size();
  switch (assertion) {
    case kTextStart:
      return at_start;
    case kTextEnd:
      return at_end;
    case kLineStart:
      return at_start || text[position - 1] == '\n';
    case kLineEnd:
      return at_end || text[position] == '\n';
  }
  const bool before = !at_start && is_word(text[position - 1]), after = !at_end && is_word(text[position]);
  return (before != after) == (assertion == kWordBoundary);
}

void RegexScratch::begin(size_t instructions, size_t slots) {
  const auto grow = [](auto& items, size_t size) {
    if (items.size() < size) items.resize(size);
  };
  for (Threads* threads : {&now_, &next_}) {
    grow(threads->indexes, instructions);
    grow(threads->slots, instructions * slots);
  }
  grow(seen_, instructions);
  grow(current_, slots);
  grow(matched_, slots);
  grow(ahead_, instructions);  // each comes up once in a round, and leaves one behind at most
  now_.count = 0;
  ++round_;
  steps_ = 0;
}

}  // namespace lognotary
