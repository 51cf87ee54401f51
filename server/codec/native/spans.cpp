#include "spans.hpp"

#include <utility>

namespace lognotary {
namespace {

template <typename T>
std::vector<T> emptied(std::vector<T>& list) {
  list.clear();
  return std::move(list);
}

void read_status(View message, int depth, Span& span) {
  for (Reader field(message, depth); field.next();) {
    if (field.tag() == tag(2, kDelimited)) span.status_message = text(field.bytes());
    if (field.tag() == tag(3, kVarint)) span.status_code = static_cast<int32_t>(field.number());
  }
}

}  // namespace

void Span::clear() {
  Span empty;
  empty.attributes = emptied(attributes);
  empty.events = emptied(events);
  empty.links = emptied(links);
  *this = std::move(empty);
}

void Event::clear() {
  Event empty;
  empty.attributes = emptied(attributes);
  *this = std::move(empty);
}

void Link::clear() {
  Link empty;
  empty.attributes = emptied(attributes);
  *this = std::move(empty);
}

bool is_span_field(uint32_t tag) {
  switch (tag) {
    case lognotary::tag(1, kDelimited):
    case lognotary::tag(2, kDelimited):
    case lognotary::tag(3, kDelimited):
    case lognotary::tag(4, kDelimited):
    case lognotary::tag(5, kDelimited):
    case lognotary::tag(6, kVarint):
    case lognotary::tag(7, kFixed64):
    case lognotary::tag(8, kFixed64):
    case lognotary::tag(9, kDelimited):
    case lognotary::tag(10, kVarint):
    case lognotary::tag(11, kDelimited):
    case lognotary::tag(12, kVarint):
    case lognotary::tag(13, kDelimited):
    case lognotary::tag(14, kVarint):
    case lognotary::tag(15, kDelimited):
    case lognotary::tag(16, kFixed32):
      return true;
    default:
      return false;
  }
}

bool is_span_number(uint32_t number) { return number >= 1 && number <= 16; }

bool read_span(View message, int depth, Span& span, Arena& arena) {
  bool all_known = true;
  for (Reader field(message, depth); field.next();) {
    switch (field.tag()) {
      case tag(1, kDelimited):
        span.trace_id = field.bytes();
        break;
      case tag(2, kDelimited):
        span.span_id = field.bytes();
        break;
      case tag(3, kDelimited):
        span.trace_state = text(field.bytes());
        break;
      case tag(4, kDelimited):
        span.parent_span_id = field.bytes();
        break;
      case tag(5, kDelimited):
        span.name = text(field.bytes());
        break;
      case tag(6, kVarint):
        span.kind = static_cast<int32_t>(field.number());
        break;
      case tag(7, kFixed64):
        span.start = field.number();
        break;
      case tag(8, kFixed64):
        span.end = field.number();
        break;
      case tag(9, kDelimited):
        read_attribute(field.bytes(), enter(depth), add_to(span.attributes), arena);
        break;
      case tag(10, kVarint):
        span.dropped_attributes_count = static_cast<uint32_t>(field.number());
        break;
      case tag(11, kDelimited):
        add_to(span.events) = field.bytes();
        break;
      case tag(12, kVarint):
        span.dropped_events_count = static_cast<uint32_t>(field.number());
        break;
      case tag(13, kDelimited):
        add_to(span.links) = field.bytes();
        break;
      case tag(14, kVarint):
        span.dropped_links_count = static_cast<uint32_t>(field.number());
        break;
      case tag(15, kDelimited):
        read_status(field.bytes(), enter(depth), span);
        break;
      case tag(16, kFixed32):
        span.flags = static_cast<uint32_t>(field.number());
        break;
      default:
        all_known = false;
        break;
    }
  }
  return all_known;
}

void read_event(View message, int depth, Event& event, Arena& arena) {
  for (Reader field(message, depth); field.next();) {
    switch (field.tag()) {
      case tag(1, kFixed64):
        event.time = field.number();
        break;
      case tag(2, kDelimited):
        event.name = text(field.bytes());
        break;
      case tag(3, kDelimited):
        read_attribute(field.bytes(), enter(depth), add_to(event.attributes), arena);
        break;
      case tag(4, kVarint):
        event.dropped_attributes_count = static_cast<uint32_t>(field.number());
        break;
      default:
        break;
    }
  }
}

void read_link(View message, int depth, Link& link, Arena& arena) {
  for (Reader field(message, depth); field.next();) {
    switch (field.tag()) {
      case tag(1, kDelimited):
        link.trace_id = field.bytes();
        break;
      case tag(2, kDelimited):
        link.span_id = field.bytes();
        break;
      case tag(3, kDelimited):
        link.trace_state = text(field.bytes());
        break;
      case tag(4, kDelimited):
        read_attribute(field.bytes(), enter(depth), add_to(link.attributes), arena);
        break;
      case tag(5, kVarint):
        link.dropped_attributes_count = static_cast<uint32_t>(field.number());
        break;
      case tag(6, kFixed32):
        link.flags = static_cast<uint32_t>(field.number());
        break;
      default:
        break;
    }
  }
}

}  // namespace lognotary
