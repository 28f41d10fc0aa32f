#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "src/fields/selection.h"

namespace tapmeter::fields {

// The list that NetFlow version 9 (RFC 3954 section 8) sends where none is given: one direction, no
// element that its collectors do not know.
std::vector<Item> netflow_default_items();

// The fields that a list of words names, as NetFlow version 9 can say them: times count from the
// exporter's start, which the caller takes off the record's, and numbers keep their lengths.
//
// words   as for parse_words(), whose refusals come first; "default": the list above
// errors  what the list must be instead: version 9 knows no reverse direction, no text of variable
//         length and no enterprise's elements
tl::expected<std::vector<Item>, WordFault> netflow_items(const std::vector<std::string>& words);

}  // namespace tapmeter::fields
