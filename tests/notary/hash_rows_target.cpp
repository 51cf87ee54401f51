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

#include "filter.hpp"
#include "rows.hpp"

namespace {

using lognotary::Kind;
using lognotary::Range;
using lognotary::RecordFilter;
using lognotary::RowHasher;
using lognotary::View;

constexpr int64_t kVersion = 1;
constexpr uint64_t kFirst = 5;
constexpr uint64_t kLeaves = 8;

struct Result {
  std::string hashes, states, error, kept;
  bool operator==(const Result& other) const {
    return hashes == other.hashes && states == other.states && error == other.error && kept == other.kept;
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

template <typename Number>
void put_number(std::string& program, Number value) {
  program.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& program, Random& random) {
  const uint64_t length = random.below(4);
  put_number(program, static_cast<uint32_t>(length));
  for (uint64_t left = length; left > 0; --left) program += "xX 5"[random.below(4)];
}

void put_texts(std::string& program, Random& random, uint64_t least) {
  const uint64_t count = least + random.below(3);
  put_number(program, static_cast<uint32_t>(count));
  for (uint64_t left = count; left > 0; --left) put_text(program, random);
}

void put_end(std::string& program, Random& random, bool is_text) {
  const uint64_t kind = random.below(3);
  program += static_cast<char>(kind);
  if (kind == 0) return;
  if (is_text) return put_text(program, random);
  program.append(8, static_cast<char>(random.below(256)));
}

// Writes a test of a column, which may be of the wrong kind or missing: then the filter refuses the program.
void put_node(std::string& program, Random& random, int depth) {
  const uint64_t test = depth > 3 ? 3 + random.below(11) : random.below(14);
  program += static_cast<char>(test);
  if (test < 2) {
    const uint64_t parts = random.below(3);
    put_number(program, static_cast<uint32_t>(parts));
    for (uint64_t left = parts; left > 0; --left) put_node(program, random, depth + 1);
    return;
  }
  if (test == 2) return put_node(program, random, depth + 1);
  const auto put_column = [&] { put_number(program, static_cast<uint16_t>(random.below(4))); };
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
      if (number == 0) put_number(program, random.below(20));
      if (number == 1) put_column();
      break;
    }
    case 12:
      program += static_cast<char>(random.below(24));
      program += static_cast<char>(random.below(24));
      put_column();
      put_column();
      put_number(program, uint32_t{1});
      put_text(program, random);
      program += static_cast<char>(random.below(24));
      return;
    case 13:
      put_column();
      if (random.below(2) == 0) {
        put_number(program, uint16_t{0xFFFF});
      } else {
        put_column();
      }
      break;
  }
  for (int end = 0; end < 2; ++end) put_end(program, random, test == 9);
}

// Makes a filter; null if the program is refused.
std::unique_ptr<RecordFilter> make_filter(const std::string& program, const std::string& kinds) {
  try {
    const std::unique_ptr<char[]> exact(new char[program.size()]);
    std::memcpy(exact.get(), program.data(), program.size());
    return std::make_unique<RecordFilter>(View(exact.get(), program.size()), kinds);
  } catch (const std::invalid_argument&) {
    return nullptr;
  }
}

Result run(const std::string& kinds, const std::string& program, const std::vector<Range>& ranges, View data,
           Random* cuts) {
  Result result{std::string(kLeaves * lognotary::kHashSize, '\0'), std::string(kLeaves, '\0'), "", ""};
  const auto filter = make_filter(program, kinds);
  RowHasher hasher(kinds, kVersion, kFirst, ranges, result.hashes.data(), result.states.data(), filter.get(), 1000);
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
  for (const auto& kept : hasher.kept()) result.kept += std::to_string(kept.leaf) + kept.record;
  return result;
}

}  // namespace

int main(int, char** arguments) {
  const long cases = std::atol(arguments[1]);
  long refused = 0, filtered = 0;
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
    std::string program;
    put_node(program, random, 0);
    if (random.rarely()) program[random.below(program.size())] = static_cast<char>(random.below(256));
    if (random.rarely()) program.resize(random.below(program.size()));
    const Result whole = run(kinds, program, ranges, data, nullptr);
    refused += !whole.error.empty();
    filtered += !whole.kept.empty();
    for (int again = 0; again < 3; ++again) {
      if (run(kinds, program, ranges, data, &random) == whole) continue;
      std::fprintf(stderr, "case %ld depends on how it is cut\n", number);
      return 1;
    }
  }
  std::printf("%ld cases, %ld refused, %ld filtered\n", cases, refused, filtered);
  return 0;
}
