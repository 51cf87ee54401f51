// OtlpDetails: everything that the other columns lose, as server/codec/decode.py describes.
//
// Each function appends members of the JSON object, each followed by a comma.
#pragma once

#include "messages.hpp"

namespace lognotary {

constexpr uint64_t kMaxTime = INT64_MAX;  // DateTime64(9) is a signed 64-bit number of nanoseconds

// Returns the id in lower-case hex, in `hex`, or nothing if it is invalid: not of that size, or all zero.
View hex_id(View id, size_t size, char* hex);

void append_record_details(std::string& out, const Record& record, bool valid_trace_id, bool valid_span_id,
                           View body_type, const std::vector<Member>& attributes);
void append_scope_details(std::string& out, const Scope& scope, const std::vector<Member>& attributes);
void append_resource_details(std::string& out, const Resource& resource, const std::vector<Member>& attributes);

}  // namespace lognotary
