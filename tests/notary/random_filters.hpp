// Programs of filters, most of which are right: for the target of test_hashing_sanitized.py.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "filter.hpp"
#include "random_blocks.hpp"

namespace lognotary_test {

using lognotary::RecordFilter;

template <typename Number>
void put_raw(std::string& program, Number value) {
  program.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline void put_text(std::string& program, Random& random) {
  const uint64_t length = random.below(4);
  put_raw(program, static_cast<uint32_t>(length));
  for (uint64_t left = length; left > 0; --left) program += "xX 5"[random.below(4)];
}

inline void put_texts(std::string& program, Random& random, uint64_t least) {
  const uint64_t count = least + random.below(3);
  put_raw(program, static_cast<uint32_t>(count));
  for (uint64_t left = count; left > 0; --left) put_text(program, random);
}

inline void put_end(std::string& program, Random& random, bool is_text) {
  const uint64_t kind = random.below(3);
  program += static_cast<char>(kind);
  if (kind == 0) return;
  if (is_text) return put_text(program, random);
  program.append(8, static_cast<char>(random.below(256)));
}

// Writes a test of a column, which may be of the wrong kind or missing: then the filter refuses the program.
inline void put_node(std::string& program, Random& random, int depth) {
  const uint64_t test = depth > 3 ? 3 + random.below(11) : random.below(14);
  program += static_cast<char>(test);
  if (test < 2) {
    const uint64_t parts = random.below(3);
    put_raw(program, static_cast<uint32_t>(parts));
    for (uint64_t left = parts; left > 0; --left) put_node(program, random, depth + 1);
    return;
  }
  if (test == 2) return put_node(program, random, depth + 1);
  const auto put_column = [&] { put_raw(program, static_cast<uint16_t>(random.below(4))); };
  if (test <= 10) {
    const uint64_t place = random.below(4);
    program += static_cast<char>(place);
    if (place >= 1) put_column();
    if (place == 3) put_column();
    if (place != 1) put_text(program, random);
  }
  switch (test) {
    case 3:
      return put_texts(program, random, 0);
    case 4:
      return put_text(program, random);
    case 5:
      program += static_cast<char>(random.below(2));
      return put_texts(program, random, 2);
    case 6:
      put_text(program, random);
      return put_texts(program, random, 0);
    case 7:
      return put_texts(program, random, 1);
    case 8:
      return;
    case 11: {
      const uint64_t number = random.below(3);
      program += static_cast<char>(number);
      if (number == 0) put_raw(program, random.below(20));
      if (number == 1) put_column();
      break;
    }
    case 12:
      program += static_cast<char>(random.below(24));
      program += static_cast<char>(random.below(24));
      put_column();
      put_column();
      put_raw(program, uint32_t{1});
      put_text(program, random);
      program += static_cast<char>(random.below(24));
      return;
    case 13:
      put_column();
      if (random.below(2) == 0) {
        put_raw(program, uint16_t{0xFFFF});
      } else {
        put_column();
      }
      break;
  }
  for (int end = 0; end < 2; ++end) put_end(program, random, test == 9);
}

// Makes a filter; null if the program is refused.
inline std::unique_ptr<RecordFilter> make_filter(const std::string& program, const std::string& kinds) {
  try {
    const auto bytes = copy_of(program);
    return std::make_unique<RecordFilter>(View(bytes.get(), program.size()), kinds);
  } catch (const std::invalid_argument&) {
    return nullptr;
  }
}

}  // namespace lognotary_test
