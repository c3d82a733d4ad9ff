// The date that answers carry.
#pragma once

#include <ctime>
#include <string_view>

namespace colibri::net_detail {

/// Now, as in "Sun, 06 Nov 1994 08:49:37 GMT". Made once a second; valid until this thread's next
/// call, which may be another coroutine's: copy it before anything that parks.
std::string_view http_date() noexcept;
/// The same of any time.
std::string_view http_date(std::time_t time) noexcept;

}  // namespace colibri::net_detail
