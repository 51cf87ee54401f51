// Rows from blocks of ClickHouse's Native format, as server/notary/row_blocks.py defines them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "digest.hpp"
#include "walker.hpp"

namespace lognotary {

// A row that is being written.
class RowBuffer {
 public:
  View row() const { return View(data_.data(), size_); }
  void clear() { size_ = 0; }
  void put(View bytes);
  void put_length(uint64_t length);  // unsigned LEB128

 private:
  std::vector<char> data_;
  size_t size_ = 0;
};

// A place in data. Takes what follows, or nothing where the data ends before it.
class Cursor {
 public:
  Cursor() = default;
  Cursor(const char* at, const char* end) : at_(at), end_(end) {}

  const char* at() const { return at_; }

  bool take(uint64_t size, View& bytes);
  bool take_number(uint64_t& number);  // UInt64
  bool take_length(uint64_t& length);  // unsigned LEB128
  bool take_string(View& encoded);     // with its length

 private:
  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

// The values of String or LowCardinality(String).
class Texts {
 public:
  Texts() = default;
  explicit Texts(bool are_words) : are_words_(are_words) {}

  // Takes what stands before the data of the whole column; returns false where the data ends before it.
  bool read_state(Cursor& cursor) const;

  // Takes the data of some values; returns false where it ends before them.
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

// The numbers of elements, or of pairs, that values have.
class Lengths {
 public:
  // Takes the data of some values, and tells how many elements they have in all.
  bool read(Cursor& cursor, uint64_t values, uint64_t& elements);

  // Returns the number of the next value.
  uint64_t next();

 private:
  View ends_;
  size_t at_ = 0;
  uint64_t before_ = 0;
};

// A column of a block: views into the block's data.
class BlockColumn {
 public:
  // Throws std::invalid_argument if it is a type that records do not have.
  explicit BlockColumn(View type);

  // Takes the data of some rows; returns false where it ends before them: then the column cannot be used.
  bool read(Cursor& cursor, uint64_t rows);

  // Appends the next value as RowBinary writes it; clears `in_order` if a map is not in the order of `maps.hpp`.
  void append_next(RowBuffer& row, bool& in_order);

  // Whether values are arrays; and their kind, or that of their elements.
  bool is_array() const { return is_array_; }
  Kind kind() const { return kind_; }

 private:
  void append_value(RowBuffer& row, bool& in_order);
  void append_map(RowBuffer& row, bool& in_order);

  bool is_array_ = false;
  Kind kind_;
  Lengths elements_, pairs_;
  Texts keys_, texts_;  // keys of maps; values of maps, and strings
  Cursor fixed_;
};

// Takes a row, and whether all its maps are in order.
using TakeRow = std::function<void(View, bool)>;

// Takes blocks, cut into pieces anywhere, and passes on their rows.
class BlockReader {
 public:
  // `kinds` are those of all columns.
  BlockReader(View kinds, TakeRow take_row);

  // Takes what follows on what was taken before, and passes on rows of whole blocks, at the latest when it is finished.
  // Throws std::invalid_argument, and what `take_row` throws.
  void feed(View piece);

  // Passes on all rows that are left; returns false if what was taken ends within a block.
  bool finish();

 private:
  void read_blocks();
  bool read_block();
  void check(const BlockColumn& column) const;
  void pass_rows();

  const std::string kinds_;
  const size_t count_;  // of columns
  const TakeRow take_row_;
  std::string data_;                  // the beginning of a block
  size_t read_ = 0;                   // bytes of it that are read: its header, and whole columns
  size_t wanted_ = 0;                 // bytes of it before which a column that was not whole is not read again
  uint64_t rows_ = 0;                 // of the block, from its header
  size_t place_ = 0;                  // among the kinds, of the next column
  std::vector<BlockColumn> columns_;  // that are read
  RowBuffer row_;
};

}  // namespace lognotary
