// A page about a run, to look at and to pass on.
#pragma once

#include <string>

#include "samples/load_test/result.h"

namespace load_test {

/// One page of HTML with plots inside it: needs no other file and no script, is light or dark as
/// the reader's system is, and as wide as the window.
std::string as_page(const Result& result);

}  // namespace load_test
