// Values of a config changed from the command line. Internal to config/.
#pragma once

#include "config/parse.h"

namespace numeral::config_detail {

// Sets the value in `json`, making objects on the way where there is nothing yet. Refuses pointers
// that lead through a plain value or past a list's end: validation could not tell what was meant.
void Apply(const Override& change, Json& json);

}  // namespace numeral::config_detail
