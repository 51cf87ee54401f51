// The compiled hashing over blocks that are right or broken, cut into pieces, and over records that are. Built with the
// sanitizers by test_hashing_sanitized.py: memory errors are theirs to find. This finds rows that are wrong, results that
// depend on the cuts, and maps that are not sorted.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "blocks.hpp"
#include "maps.hpp"
#include "random_blocks.hpp"
#include "random_filters.hpp"
#include "rows.hpp"

namespace {

using namespace lognotary_test;
using lognotary::BlockReader;
using lognotary::MapSorter;
using lognotary::Range;
using lognotary::RowHasher;

constexpr int64_t kVersion = 1;
constexpr size_t kHeadSize = 16 + 8 + 1;
constexpr lognotary::BlockLimits kLowLimits{2048, 8192};  // some rows and blocks exceed them
constexpr lognotary::BlockLimits kHighLimits{1 << 20, 1 << 20};

struct Result {
  std::string hashes, states, kept, error;
  bool operator==(const Result& other) const {
    return hashes == other.hashes && states == other.states && kept == other.kept && error == other.error;
  }
};

// What is drawn for one case.
struct Case {
  std::string kinds, data, program;
  Values rows;
};

// Feeds data, cut into pieces at random; returns why it is refused.
std::string feed(BlockReader& reader, View data, Random* cuts) {
  try {
    while (!data.empty()) {
      const size_t size = cuts == nullptr ? data.size() : 1 + cuts->below(data.size());
      const auto piece = copy_of(data.substr(0, size));
      reader.feed(View(piece.get(), size));
      data.remove_prefix(size);
    }
    return reader.finish() ? "" : "ends within a block";
  } catch (const std::invalid_argument& error) {
    return error.what();
  } catch (const lognotary::TooLong& error) {
    return error.what();
  }
}

Result hash(const Case& drawn, Random* cuts) {
  Result result{std::string(kLeaves * lognotary::kHashSize, '\0'), std::string(kLeaves, '\0'), "", ""};
  std::vector<Range> ranges{{kFirst + 3, false, {}}, {kFirst + 4, true, {}}, {kFirst + kLeaves, false, {}}};
  ranges[2].batch_id.fill(1);
  const auto filter = make_filter(drawn.program, drawn.kinds);
  RowHasher hasher(drawn.kinds, kVersion, kFirst, ranges, result.hashes.data(), result.states.data(), filter.get(), 1000);
  BlockReader reader(hasher.columns(), kLowLimits, hasher.taker());
  result.error = feed(reader, drawn.data, cuts);
  for (const auto& kept : hasher.kept()) result.kept += std::to_string(kept.leaf) + kept.record;
  return result;
}

// Returns whether bytes are a record, and sets whether its maps are in order, as the binding does before it sorts them.
bool is_record(const std::string& kinds, View bytes, bool& in_order) {
  try {
    return MapSorter(kinds).is_record(bytes, in_order);
  } catch (const std::invalid_argument&) {
    return false;
  }
}

// Tells whether the rows of blocks, and which of them have all maps in order, are what they must be.
bool are_right(const Case& drawn, Random& random) {
  Values rows;
  bool orders_are_right = true;
  const RowHasher columns(drawn.kinds, kVersion, kFirst, {}, nullptr, nullptr);
  BlockReader reader(columns.columns(), kHighLimits, [&](View row, bool in_order) {
    bool expected = false;
    orders_are_right = orders_are_right && is_record(drawn.kinds, row.substr(kHeadSize), expected) && in_order == expected;
    rows.emplace_back(row);
  });
  return feed(reader, drawn.data, &random).empty() && rows == drawn.rows && orders_are_right;
}

// Sorts the maps of a record; returns whether they are in order then. A record that is none is left alone.
bool sorts(const std::string& kinds, View record) {
  const auto bytes = copy_of(record);
  record = View(bytes.get(), record.size());
  bool in_order = false;
  if (!is_record(kinds, record, in_order) || in_order) return true;
  MapSorter sorter(kinds);
  sorter.sort(record, UINT64_MAX);
  return sorter.record().size() == record.size() && is_record(kinds, sorter.record(), in_order) && in_order;
}

void filter(const Case& drawn, View record) {
  const auto filter = make_filter(drawn.program, drawn.kinds);
  if (filter == nullptr) return;
  const auto bytes = copy_of(record);
  try {
    filter->holds(View(bytes.get(), record.size()), kFirst);
  } catch (const std::invalid_argument&) {
    return;  // it ends too early
  }
}

void bend(std::string& data, Random& random) {
  for (uint64_t left = random.below(4); left > 0 && !data.empty(); --left) {
    data[random.below(data.size())] = static_cast<char>(random.below(256));
  }
  if (random.rarely() && !data.empty()) data.resize(random.below(data.size()));
}

Case draw(Random& random) {
  Case drawn;
  const Kind some[] = {1, 4, 8, lognotary::kString, kWord, lognotary::kMap, kPlainMap};
  std::vector<Column> columns(random.below(6));
  for (auto& [is_array, kind] : columns) {
    is_array = random.below(3) == 0;
    kind = some[random.below(7)];
    if (is_array) drawn.kinds += static_cast<char>(lognotary::kArray);
    drawn.kinds += static_cast<char>(in_rows(kind));
  }
  for (uint64_t left = random.below(4); left > 0; --left) put_block(columns, random, drawn.data, drawn.rows);
  put_node(drawn.program, random, 0);
  if (random.rarely()) drawn.program[random.below(drawn.program.size())] = static_cast<char>(random.below(256));
  if (random.rarely()) drawn.program.resize(random.below(drawn.program.size()));
  return drawn;
}

int fail(long number, const char* why) {
  std::fprintf(stderr, "case %ld %s\n", number, why);
  return 1;
}

}  // namespace

int main(int, char** arguments) {
  const long cases = std::atol(arguments[1]);
  long refused = 0, filtered = 0;
  for (long number = 0; number < cases; ++number) {
    Random random(static_cast<uint64_t>(number));
    Case drawn = draw(random);
    if (!are_right(drawn, random)) return fail(number, "has wrong rows");
    for (const auto& row : drawn.rows) {
      std::string record = row.substr(kHeadSize);
      bend(record, random);
      if (!sorts(drawn.kinds, record)) return fail(number, "has maps that are not sorted");
      filter(drawn, record);
    }
    bend(drawn.data, random);
    const Result whole = hash(drawn, nullptr);
    refused += !whole.error.empty();
    filtered += !whole.kept.empty();
    for (int again = 0; again < 3; ++again) {
      if (!(hash(drawn, &random) == whole)) return fail(number, "depends on how it is cut");
    }
  }
  std::printf("%ld cases, %ld refused, %ld filtered\n", cases, refused, filtered);
  return 0;
}
