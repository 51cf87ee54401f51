// Spans: read, and written to rows.
#pragma once

#include <array>

#include "encoder.hpp"
#include "spans.hpp"

namespace lognotary {

class SpanEncoder : public Encoder {
 public:
  // `redaction` must outlive the encoder.
  SpanEncoder(Limits limits, const Redaction& redaction, bool hashing = true)
      : Encoder(Signal::kTraces, limits, redaction, hashing) {
    table_.hashed = hashing;
  }

  const Table& spans() const { return table_; }
  size_t capacity() const override;

  static constexpr size_t kMostNames = 7;  // of a kind, or of a status

 private:
  static constexpr uint32_t kNoNumber = UINT32_MAX;
  using NameNumbers = std::array<uint32_t, kMostNames>;

  // The events, or links, of a span: the parts of its canonical record and of its OtlpDetails that their columns do not
  // have as they stand there.
  struct Elements {
    AttributeLists attributes;
    Buffer maps;          // their Attributes
    std::string details;  // members under their numbers, each followed by a comma

    void clear();
    // Writes the attributes of an element, and adds `of_element` to the details.
    void write_attributes(MapColumn& column);
    void add_details(size_t number, View of_element);
  };

  void clear() override;
  void encode_record(View message, int depth) override;

  void encode_events(int depth, Redactor* redactor);
  void encode_links(int depth, Redactor* redactor);
  View span_details(View kind, View status, bool valid_trace_id, bool valid_span_id, bool valid_parent_span_id);
  size_t most_bytes(View details, View redactions) const;
  // Writes one of few names; `number` is its number in the dictionary, looked up once in a request.
  void put_name(WordColumn& column, View name, uint32_t& number);
  // Writes an array to the canonical record; `elements` are encoded as they are there.
  void put_array(size_t count, View elements);

  Span span_;
  Event event_;
  Link link_;
  Arena arena_;  // texts of this span
  AttributeLists attributes_;
  Elements events_, links_;
  Buffer event_names_;  // as Strings
  std::string details_scratch_, element_scratch_, others_scratch_;
  Table table_;
  NameNumbers kinds_, statuses_;
  // Where the elements of this span begin, in columns that have them as they stand in a canonical record.
  size_t event_timestamps_ = 0, link_trace_ids_ = 0, link_span_ids_ = 0, link_trace_states_ = 0;
};

}  // namespace lognotary
