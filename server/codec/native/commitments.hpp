// The commitments that are made in a row, which it lists in its OtlpDetails, as server/codec/commitments.py describes.
#pragma once

#include <unordered_map>

#include "redaction.hpp"

namespace lognotary {

constexpr size_t kListedSize = 67;  // bytes in the list: 64 digits, two quotation marks and a comma

constexpr size_t kDisclosedSize = sizeof(Disclosed) + 160;  // about, with its texts

// Some of the disclosures of a request: from one number to before another.
struct DisclosedRange {
  uint32_t from = 0, to = 0;
  uint32_t size() const { return to - from; }
};

// Appends the commitments of disclosures to a list, each followed by a comma.
void append_listed(std::string& out, const std::vector<Disclosed>& disclosed, DisclosedRange range);

// Finds, of the commitments in a body, those in one event of the body.
class EventCommitments {
 public:
  // Begins a body. The disclosures must stay as they are until the last of its events.
  void begin(const std::vector<Disclosed>& disclosed, DisclosedRange body);

  // Returns the numbers of those in an event, ascending; until the next call.
  const std::vector<uint32_t>& find(View event);

 private:
  void find_digits(View text);
  void find_base64(View text);

  std::unordered_map<View, uint32_t> numbers_;  // salts are random: no sender can choose digits that collide
  std::vector<uint32_t> found_;
  std::string decoded_;
};

}  // namespace lognotary
