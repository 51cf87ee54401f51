// The messages of an OTLP traces request that a logs request does not have: views into the request, as in messages.hpp.
//
// Source: opentelemetry-proto trace/v1/trace.proto.
#pragma once

#include "messages.hpp"

namespace lognotary {

struct Span {
  View trace_id;
  View span_id;
  View trace_state;
  View parent_span_id;
  View name;
  int32_t kind = 0;
  uint64_t start = 0;
  uint64_t end = 0;
  std::vector<Attribute> attributes;
  uint32_t dropped_attributes_count = 0;
  // Read one at a time: each has a list of attributes, so together they can take many times the request's size.
  std::vector<View> events;
  uint32_t dropped_events_count = 0;
  std::vector<View> links;
  uint32_t dropped_links_count = 0;
  View status_message;
  int32_t status_code = 0;
  uint32_t flags = 0;

  void clear();  // keeps the room for attributes, events and links
};

struct Event {
  uint64_t time = 0;
  View name;
  std::vector<Attribute> attributes;
  uint32_t dropped_attributes_count = 0;

  void clear();  // keeps the room for attributes
};

struct Link {
  View trace_id;
  View span_id;
  View trace_state;
  std::vector<Attribute> attributes;
  uint32_t dropped_attributes_count = 0;
  uint32_t flags = 0;

  void clear();  // keeps the room for attributes
};

// Tells whether a Span has such a field, and whether it has one of this number.
bool is_span_field(uint32_t tag);
bool is_span_number(uint32_t number);

// Each reads the fields of one message, or of one part of it.
// `read_span` returns false if there are fields that are not a Span's.
bool read_span(View message, int depth, Span& span, Arena& arena);
void read_event(View message, int depth, Event& event, Arena& arena);
void read_link(View message, int depth, Link& link, Arena& arena);

}  // namespace lognotary
