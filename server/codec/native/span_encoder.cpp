#include "span_encoder.hpp"

#include <algorithm>

#include "details.hpp"
#include "scalar.hpp"
#include "unread.hpp"

namespace lognotary {

using namespace span_columns;

namespace {

// The names of server/codec/decode_spans.py, by number; the last is that of all other numbers.
constexpr View kSpanKinds[] = {"Unspecified", "Internal", "Server", "Client", "Producer", "Consumer", ""};
constexpr View kStatusCodes[] = {"Unset", "Ok", "Error", ""};

template <size_t N>
size_t place_of(const View (&names)[N], int32_t number) {
  static_assert(N <= SpanEncoder::kMostNames);
  return number >= 0 && static_cast<size_t>(number) < N - 1 ? static_cast<size_t>(number) : N - 1;
}

int64_t stored_time(uint64_t time) { return static_cast<int64_t>(std::min(time, kMaxTime)); }

}  // namespace

size_t SpanEncoder::capacity() const {
  return Encoder::capacity() + table_.capacity() + events_.maps.capacity() + links_.maps.capacity() +
         event_names_.capacity() + others_scratch_.capacity();
}

void SpanEncoder::clear() {
  table_.clear();
  kinds_.fill(kNoNumber);
  statuses_.fill(kNoNumber);
  attributes_.clear();
  events_.attributes.clear();
  links_.attributes.clear();
}

void SpanEncoder::encode_record(View message, int depth) {
  span_.clear();
  arena_.clear();
  if (!read_span(message, depth, span_, arena_)) require_read(message, signal(), Level::kLogRecord, depth);

  char trace_hex[32], span_hex[16], parent_hex[16];
  const View trace_id = hex_id(span_.trace_id, 16, trace_hex);
  const View span_id = hex_id(span_.span_id, 8, span_hex);
  const View parent_span_id = hex_id(span_.parent_span_id, 8, parent_hex);
  const size_t kind = place_of(kSpanKinds, span_.kind), status = place_of(kStatusCodes, span_.status_code);
  Redactor* const redactor = this->redactor(scope_.redacted);
  const uint32_t disclosed_before = disclosures();
  attributes_.sort(span_.attributes, arena_, redactor);
  encode_events(depth, redactor);
  encode_links(depth, redactor);
  if (redactor != nullptr) span_.status_message = redactor->redact_text(span_.status_message, arena_);
  const View redactions = redactor_.redactions();
  others_scratch_.clear();
  if (redactor_.discloses()) {
    begin_commitments(others_scratch_);
    append_listed(others_scratch_, disclosed(), {disclosed_before, disclosures()});
    end_commitments(others_scratch_);
  }
  const View details = this->details(span_details(kSpanKinds[kind], kStatusCodes[status], !trace_id.empty(),
                                                  !span_id.empty(), !parent_span_id.empty()),
                                     others_scratch_);
  const int64_t timestamp = stored_time(span_.start);
  Table& table = table_;

  // In the order of the canonical record.
  begin_row(table, timestamp, most_bytes(details, redactions));
  put(table.plain[kTimestamp], timestamp);
  put_string(table.plain[kTraceId], trace_id);
  put_string(table.plain[kSpanId], span_id);
  put_string(table.plain[kParentSpanId], parent_span_id);
  put_string(table.plain[kTraceState], span_.trace_state);
  put_word(table.words[kSpanName], span_.name);
  put_name(table.words[kSpanKind], kSpanKinds[kind], kinds_[kind]);
  at_ = attributes_.write(at_, table.maps[kSpanAttributes], 0);
  put(table.plain[kDuration], span_.end > span_.start ? span_.end - span_.start : uint64_t{0});
  put_name(table.words[kStatusCode], kStatusCodes[status], statuses_[status]);
  put_string(table.plain[kStatusMessage], span_.status_message);
  table.lengths[kEvents].put(static_cast<uint32_t>(span_.events.size()));
  put_array(span_.events.size(), table.plain[kEventTimestamps].view().substr(event_timestamps_));
  put_array(span_.events.size(), event_names_.view());
  put_array(span_.events.size(), events_.maps.view());
  table.lengths[kLinks].put(static_cast<uint32_t>(span_.links.size()));
  put_array(span_.links.size(), table.plain[kLinkTraceIds].view().substr(link_trace_ids_));
  put_array(span_.links.size(), table.plain[kLinkSpanIds].view().substr(link_span_ids_));
  put_array(span_.links.size(), table.plain[kLinkTraceStates].view().substr(link_trace_states_));
  put_array(span_.links.size(), links_.maps.view());
  put(table.plain[kFlags], span_.flags);
  put(table.plain[kDroppedAttributesCount], span_.dropped_attributes_count);
  put(table.plain[kDroppedEventsCount], span_.dropped_events_count);
  put(table.plain[kDroppedLinksCount], span_.dropped_links_count);
  put_word(table.words[kOtlpDetails], details);
  put(table.plain[kIngestedAt], next_ingested_at());
  put_string(table.plain[kRedactions], redactions);
  finish_row(table);
}

void SpanEncoder::encode_events(int depth, Redactor* redactor) {
  events_.clear();
  event_names_.clear();
  event_timestamps_ = table_.plain[kEventTimestamps].size();
  for (size_t i = 0; i < span_.events.size(); ++i) {
    event_.clear();
    read_event(span_.events[i], enter(depth), event_, arena_);
    table_.plain[kEventTimestamps].put(stored_time(event_.time));
    table_.words[kEventNames].put(event_.name);
    event_names_.put_string(event_.name);
    events_.attributes.sort(event_.attributes, arena_, redactor);
    events_.write_attributes(table_.maps[kEventAttributes]);
    std::string& details = element_scratch_;
    details.clear();
    append_time(details, "\"time\":\"", event_.time);
    events_.attributes.append_types(details, "\"attributes\":", event_.attributes);
    append_order(details, "\"attributes_order\":{", events_.attributes.repeated());
    append_count(details, "\"dropped\":", event_.dropped_attributes_count);
    events_.add_details(i, details);
  }
}

void SpanEncoder::encode_links(int depth, Redactor* redactor) {
  links_.clear();
  link_trace_ids_ = table_.plain[kLinkTraceIds].size();
  link_span_ids_ = table_.plain[kLinkSpanIds].size();
  link_trace_states_ = table_.plain[kLinkTraceStates].size();
  for (size_t i = 0; i < span_.links.size(); ++i) {
    link_.clear();
    read_link(span_.links[i], enter(depth), link_, arena_);
    char trace_hex[32], span_hex[16];
    const View trace_id = hex_id(link_.trace_id, 16, trace_hex);
    const View span_id = hex_id(link_.span_id, 8, span_hex);
    table_.plain[kLinkTraceIds].put_string(trace_id);
    table_.plain[kLinkSpanIds].put_string(span_id);
    table_.plain[kLinkTraceStates].put_string(link_.trace_state);
    links_.attributes.sort(link_.attributes, arena_, redactor);
    links_.write_attributes(table_.maps[kLinkAttributes]);
    std::string& details = element_scratch_;
    details.clear();
    append_invalid_id(details, "\"trace_id\":\"", link_.trace_id, !trace_id.empty());
    append_invalid_id(details, "\"span_id\":\"", link_.span_id, !span_id.empty());
    links_.attributes.append_types(details, "\"attributes\":", link_.attributes);
    append_order(details, "\"attributes_order\":{", links_.attributes.repeated());
    append_count(details, "\"dropped\":", link_.dropped_attributes_count);
    append_count(details, "\"flags\":", link_.flags);
    links_.add_details(i, details);
  }
}

// Returns what only this span adds to its OtlpDetails, as details.hpp makes it.
View SpanEncoder::span_details(View kind, View status, bool valid_trace_id, bool valid_span_id,
                               bool valid_parent_span_id) {
  std::string& out = details_scratch_;
  out.clear();
  append_time(out, "\"start\":\"", span_.start);
  if (span_.end < span_.start) append_number(out, "\"end\":\"", span_.end);
  if (kind.empty()) append_number(out, "\"kind\":\"", span_.kind);
  if (status.empty()) append_number(out, "\"status\":\"", span_.status_code);
  append_invalid_id(out, "\"trace_id\":\"", span_.trace_id, valid_trace_id);
  append_invalid_id(out, "\"span_id\":\"", span_.span_id, valid_span_id);
  append_invalid_id(out, "\"parent_span_id\":\"", span_.parent_span_id, valid_parent_span_id);
  attributes_.append_types(out, "\"span\":", span_.attributes);
  append_order(out, "\"span_order\":{", attributes_.repeated());
  append_object(out, "\"events\":", events_.details);
  append_object(out, "\"links\":", links_.details);
  return out;
}

// Returns a size that the rest of the canonical record does not exceed.
size_t SpanEncoder::most_bytes(View details, View redactions) const {
  const size_t texts = span_.trace_state.size() + span_.name.size() + attributes_.most_bytes() +
                       span_.status_message.size() + details.size() + redactions.size();
  const size_t events = table_.plain[kEventTimestamps].size() - event_timestamps_ + event_names_.size() +
                        events_.maps.size();
  const size_t links = table_.plain[kLinkTraceIds].size() - link_trace_ids_ +
                       table_.plain[kLinkSpanIds].size() - link_span_ids_ +
                       table_.plain[kLinkTraceStates].size() - link_trace_states_ + links_.maps.size();
  return 512 + texts + events + links;
}

void SpanEncoder::put_name(WordColumn& column, View name, uint32_t& number) {
  if (number == kNoNumber) number = column.dictionary.add(name);
  at_ += write_string(at_, name);
  column.indexes.put(number);
}

void SpanEncoder::put_array(size_t count, View elements) {
  at_ += write_varint(at_, count);
  copy(at_, elements);
  at_ += elements.size();
}

void SpanEncoder::Elements::clear() {
  maps.clear();
  details.clear();
}

void SpanEncoder::Elements::write_attributes(MapColumn& column) {
  char* const at = maps.room(attributes.most_bytes());
  maps.grow(static_cast<size_t>(attributes.write(at, column, 0) - at));
}

void SpanEncoder::Elements::add_details(size_t number, View of_element) {
  if (of_element.empty()) return;
  details += '"';
  append_int(details, static_cast<int64_t>(number));
  append_object(details, "\":", of_element);
}

}  // namespace lognotary
