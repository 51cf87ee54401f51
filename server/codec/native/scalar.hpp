// Scalars as the Collector writes them (pdata/pcommon/value.go, Value.AsString).
#pragma once

#include <string>

#include "wire.hpp"

namespace lognotary {

constexpr size_t kLongestInt = 20;

size_t write_int(char* to, int64_t number);
void append_int(std::string& out, int64_t number);

// Appends a double as ES6 does: the shortest digits, an exponent only below 1e-6 and from 1e21 on.
void append_double(std::string& out, double number);

// Appends standard base64 with padding (RFC 4648, section 4).
void append_base64(std::string& out, View bytes);

// Appends a JSON string with the escapes of Go's encoding/json without HTML escaping.
void append_json(std::string& out, View text);

}  // namespace lognotary
