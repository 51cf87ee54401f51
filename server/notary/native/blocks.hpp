// Reads rows from blocks of ClickHouse's Native format: server/notary/row_blocks.py is the definition.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "cursor.hpp"
#include "digest.hpp"

namespace lognotary {

// Limits on what is read, in bytes (see row_blocks.py).
struct BlockLimits {
  uint64_t row_bytes;
  uint64_t block_bytes;
};

// A row or a block exceeds a limit; the binding raises RowTooLongError for it.
class TooLong : public std::overflow_error {
 public:
  TooLong(const char* what, uint64_t most)
      : std::overflow_error(std::string(what) + " is longer than " + std::to_string(most) + " bytes") {}
};

// A row that is being written. Throws TooLong.
class RowBuffer {
 public:
  explicit RowBuffer(uint64_t most) : most_(most) {}

  View row() const { return View(data_.data(), size_); }
  void clear() { size_ = 0; }
  void put(View bytes);
  void put_length(uint64_t length);  // unsigned LEB128

 private:
  const uint64_t most_;  // bytes
  std::vector<char> data_;
  size_t size_ = 0;
};

// The values of String or LowCardinality(String).
class Texts {
 public:
  Texts() = default;
  explicit Texts(bool are_words) : are_words_(are_words) {}

  // Takes the prefix of a column; returns false if the data ends before it.
  bool read_state(Cursor& cursor) const;

  // Takes the data of a number of values; returns false if the data ends before them.
  bool read(Cursor& cursor, uint64_t values);

  // Returns the next value, with its length.
  View next();

 private:
  bool read_words(Cursor& cursor, uint64_t values);

  bool are_words_ = false;
  Cursor strings_;
  std::vector<View> dictionary_;
  View indexes_;
  size_t width_ = 1;  // bytes of an index
  size_t at_ = 0;
};

// The number of elements, or of pairs, of each value.
class Lengths {
 public:
  // Takes the data of a number of values, and sets the number of their elements in all. Returns false if the data ends
  // before them. Throws TooLong if there are more than `most` elements.
  bool read(Cursor& cursor, uint64_t values, uint64_t most, uint64_t& elements);

  // Returns the number of elements of the next value.
  uint64_t next();

 private:
  View ends_;
  size_t at_ = 0;
  uint64_t before_ = 0;
};

// A column of a block: views into the block's data.
class BlockColumn {
 public:
  // Throws std::invalid_argument if records have no columns of this type.
  explicit BlockColumn(View type);

  // Takes the data of a number of rows, with `most` elements in all at most. Returns false if the data ends before
  // them; the column cannot be used then.
  bool read(Cursor& cursor, uint64_t rows, uint64_t most);

  // Appends the next value as RowBinary writes it; clears `in_order` if a map is not in order (see maps.hpp).
  void append_next(RowBuffer& row, bool& in_order);

  bool is_array() const { return is_array_; }
  Kind kind() const { return kind_; }  // of values; of elements if values are arrays

 private:
  void append_value(RowBuffer& row, bool& in_order);
  void append_map(RowBuffer& row, bool& in_order);

  bool is_array_ = false;
  Kind kind_;
  Lengths elements_, pairs_;
  Texts keys_, texts_;  // keys of maps; values of maps, and strings
  Cursor fixed_;
};

// Function that is called with each row, and with whether all its maps are in order.
using TakeRow = std::function<void(View, bool)>;

// Reads blocks, cut into pieces anywhere, and passes on their rows.
class BlockReader {
 public:
  // `kinds` are the kinds of all columns.
  BlockReader(View kinds, BlockLimits limits, TakeRow take_row);

  // Takes the next piece, and passes on rows of complete blocks; some of them only in a later call, or in `finish`.
  // Throws std::invalid_argument if the data is not such blocks, TooLong, and what `take_row` throws.
  void feed(View piece);

  // Passes on all remaining rows; returns false if the data ends within a block. Throws as `feed`.
  bool finish();

 private:
  void read_blocks();
  bool read_block();
  void check(const BlockColumn& column) const;
  void pass_rows();

  const std::string kinds_;
  const size_t count_;  // of columns
  const BlockLimits limits_;
  const TakeRow take_row_;
  std::string data_;                  // begins with a block
  size_t read_ = 0;                   // bytes of the block that have been read: its header and complete columns
  size_t wanted_ = 0;                 // bytes of data that are awaited before an incomplete column is read again
  uint64_t rows_ = 0;                 // of the block
  size_t place_ = 0;                  // of the next column in `kinds_`
  std::vector<BlockColumn> columns_;  // that have been read
  RowBuffer row_;
};

}  // namespace lognotary
