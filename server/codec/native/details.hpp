// OtlpDetails: everything that the other columns lose, as server/codec/decode.py and decode_spans.py describe.
//
// Each function appends members of the JSON object, each followed by a comma.
#pragma once

#include "attributes.hpp"

namespace lognotary {

constexpr uint64_t kMaxTime = INT64_MAX;  // DateTime64(9) is a signed 64-bit number of nanoseconds

// Returns the id in lower-case hex, in `hex`, or nothing if it is invalid: not of that size, or all zero.
View hex_id(View id, size_t size, char* hex);

// `name` is the member's name with a colon, and with the opening quotation mark of a text.
void append_types(std::string& out, View name, const std::vector<Member>& attributes);  // unless all are strings
void append_time(std::string& out, View name, uint64_t time);  // if beyond DateTime64(9)
template <typename T>
void append_number(std::string& out, View name, T number) {  // as a text
  out += name;
  out += std::to_string(number);
  out += "\",";
}
void append_invalid_id(std::string& out, View name, View id, bool valid);  // unless it is valid or empty
void append_count(std::string& out, View name, uint32_t count);  // unless 0

// Appends members, each followed by a comma, as an object; nothing if there are none.
void append_object(std::string& out, View name, View members);

void append_record_details(std::string& out, const Record& record, bool valid_trace_id, bool valid_span_id,
                           View body_type, const std::vector<Member>& attributes,
                           const std::vector<Repeated>& repeated);
void append_scope_details(std::string& out, const Scope& scope, const std::vector<Member>& attributes,
                          const std::vector<Repeated>& repeated);
void append_resource_details(std::string& out, const Resource& resource, const std::vector<Member>& attributes,
                             const std::vector<Repeated>& repeated);

}  // namespace lognotary
