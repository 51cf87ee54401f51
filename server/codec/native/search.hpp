// Search for a text that most texts do not have.
#pragma once

#include "wire.hpp"

namespace lognotary {

// Tells whether a text has another one, which is not empty, in it.
bool has_text(View text, View wanted);

}  // namespace lognotary
