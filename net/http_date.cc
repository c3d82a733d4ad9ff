#include "colibri/net/http_date.h"

#include <array>
#include <cstdio>

namespace colibri::net_detail {
namespace {

// Not by strftime, whose names are those of the program's locale.
constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct DateText {
  std::time_t time = -1;
  std::array<char, 64> text{};
  std::size_t size = 0;
};

// Of the thread: coroutines stay on theirs, and no call here parks.
thread_local DateText last;

}  // namespace

std::string_view http_date(std::time_t time) noexcept {
  if (last.time != time) {
    std::tm date{};
    gmtime_r(&time, &date);
    const int size =
        std::snprintf(last.text.data(), last.text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                      kDays[static_cast<std::size_t>(date.tm_wday)], date.tm_mday,
                      kMonths[static_cast<std::size_t>(date.tm_mon)], date.tm_year + 1900,
                      date.tm_hour, date.tm_min, date.tm_sec);
    last.size = static_cast<std::size_t>(size);
    last.time = time;
  }
  return {last.text.data(), last.size};
}

std::string_view http_date() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return http_date(now.tv_sec);
}

}  // namespace colibri::net_detail
