// The signals of OTLP that are received, as in server/codec/signals.py.
#pragma once

#include <cstdint>

namespace lognotary {

enum class Signal : uint8_t { kLogs, kTraces };

}  // namespace lognotary
