#pragma once

#include <string>

namespace tapmeter::fields {

// The manual page tapmeter-fields(7) in scdoc's language, made from the table.
std::string manual_page();

}  // namespace tapmeter::fields
