#include "table.hpp"

#include <random>

namespace lognotary {
namespace {

uint64_t random_seed() {
  std::random_device random;
  return static_cast<uint64_t>(random()) << 32 | random();
}

uint64_t fold(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t load_some(const char* at, size_t size) {
  uint64_t value = 0;
  std::memcpy(&value, at, size);
  return value;
}

}  // namespace

uint64_t Dictionary::hash_of(View text) {
  static const uint64_t seed = random_seed();  // one for the process
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15U;
  uint64_t hash = seed ^ text.size();
  const char* at = text.data();
  size_t left = text.size();
  for (; left > 8; left -= 8, at += 8) hash = fold(load<uint64_t>(at) ^ hash, kOdd ^ seed);
  return fold((left > 0 ? load_some(at, left) : 0) ^ hash, kOdd ^ (seed >> 1));
}

void Table::clear() {
  count = 0;
  min_timestamp = std::numeric_limits<int64_t>::max();
  max_timestamp = std::numeric_limits<int64_t>::min();
  for (Buffer& column : plain) column.clear();
  for (WordColumn& column : words) column.clear();
  for (MapColumn& column : maps) column.clear();
  for (Buffer& column : lengths) column.clear();
  shared.source = 0;
  redacted.fill(0);
  disclosed.clear();
  disclosed_ends.clear();
  leaf_hashes.clear();
  records.clear();
  record_ends.clear();
}

size_t Table::capacity() const {
  size_t sum = leaf_hashes.capacity() + records.capacity() + record_ends.capacity() +
               (disclosed.capacity() + disclosed_ends.capacity()) * sizeof(uint32_t);
  for (const Buffer& column : plain) sum += column.capacity();
  for (const WordColumn& column : words) sum += column.capacity();
  for (const MapColumn& column : maps) sum += column.capacity();
  for (const Buffer& column : lengths) sum += column.capacity();
  return sum;
}

}  // namespace lognotary
