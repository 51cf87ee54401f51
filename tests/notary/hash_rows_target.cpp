// The row hasher over rows that are right, broken or anything, cut into pieces. Built with the sanitizers by
// test_hashing_sanitized.py: memory errors are theirs to find. This finds results that depend on the cuts.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "rows.hpp"

namespace {

using lognotary::Kind;
using lognotary::Range;
using lognotary::RowHasher;
using lognotary::View;

constexpr int64_t kVersion = 1;
constexpr uint64_t kFirst = 5;
constexpr uint64_t kLeaves = 8;

struct Result {
  std::string hashes, states, error;
  bool operator==(const Result& other) const {
    return hashes == other.hashes && states == other.states && error == other.error;
  }
};

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t below(uint64_t end) { return engine_() % end; }
  bool rarely() { return below(8) == 0; }

 private:
  std::mt19937_64 engine_;
};

void put_length(std::string& row, uint64_t length) {
  for (; length >= 0x80; length >>= 7) row += static_cast<char>(length | 0x80);
  row += static_cast<char>(length);
}

void put_string(std::string& row, Random& random) {
  const uint64_t length = random.rarely() ? random.below(10'000) : random.below(6);
  put_length(row, length);
  row.append(length, 'x');
}

void put_value(std::string& row, Kind kind, Random& random) {
  if (kind == lognotary::kString) {
    put_string(row, random);
  } else if (kind == lognotary::kMap) {
    const uint64_t pairs = random.below(4);
    put_length(row, pairs);
    for (uint64_t i = 0; i < 2 * pairs; ++i) put_string(row, random);
  } else {
    row.append(kind, 'f');
  }
}

std::string make_row(const std::string& kinds, Random& random) {
  std::string row(16, static_cast<char>(random.below(3)));
  uint64_t leaf = random.rarely() ? random.below(1 << 20) : kFirst + random.below(kLeaves);
  row.append(reinterpret_cast<const char*>(&leaf), sizeof leaf);
  row += static_cast<char>(!random.rarely());
  for (size_t place = 0; place < kinds.size(); ++place) {
    uint64_t values = 1;
    if (static_cast<Kind>(kinds[place]) == lognotary::kArray) {
      values = random.below(4);
      put_length(row, values);
      ++place;
    }
    for (; values > 0; --values) put_value(row, static_cast<Kind>(kinds[place]), random);
  }
  return row;
}

Result run(const std::string& kinds, const std::vector<Range>& ranges, View data, Random* cuts) {
  Result result{std::string(kLeaves * lognotary::kHashSize, '\0'), std::string(kLeaves, '\0'), ""};
  RowHasher hasher(kinds, kVersion, kFirst, ranges, result.hashes.data(), result.states.data());
  try {
    while (!data.empty()) {
      const size_t size = cuts == nullptr ? data.size() : 1 + cuts->below(data.size());
      // Of the exact size, so that whatever is read outside of the piece is outside of the block.
      const std::unique_ptr<char[]> piece(new char[size]);
      std::memcpy(piece.get(), data.data(), size);
      hasher.feed(View(piece.get(), size));
      data.remove_prefix(size);
    }
    if (!hasher.complete()) result.error = "ends within a row";
  } catch (const std::invalid_argument& error) {
    result.error = error.what();
  }
  return result;
}

}  // namespace

int main(int, char** arguments) {
  const long cases = std::atol(arguments[1]);
  long refused = 0;
  const Kind columns[] = {1, 4, 8, lognotary::kString, lognotary::kMap};
  std::vector<Range> ranges{{kFirst + 3, false, {}}, {kFirst + 4, true, {}}, {kFirst + kLeaves, false, {}}};
  ranges[2].batch_id.fill(1);
  for (long number = 0; number < cases; ++number) {
    Random random(static_cast<uint64_t>(number));
    std::string kinds, data;
    for (uint64_t left = random.below(6); left > 0; --left) {
      if (random.below(3) == 0) kinds += static_cast<char>(lognotary::kArray);
      kinds += static_cast<char>(columns[random.below(5)]);
    }
    for (uint64_t left = random.below(6); left > 0; --left) data += make_row(kinds, random);
    for (uint64_t left = random.below(3); left > 0 && !data.empty(); --left) {
      data[random.below(data.size())] = static_cast<char>(random.below(256));
    }
    if (random.rarely() && !data.empty()) data.resize(random.below(data.size()));
    const Result whole = run(kinds, ranges, data, nullptr);
    refused += !whole.error.empty();
    for (int again = 0; again < 3; ++again) {
      if (run(kinds, ranges, data, &random) == whole) continue;
      std::fprintf(stderr, "case %ld depends on how it is cut\n", number);
      return 1;
    }
  }
  std::printf("%ld cases, %ld refused\n", cases, refused);
  return 0;
}
