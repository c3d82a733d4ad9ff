#include "colibri/core/inspect/stall_sites.h"

#include <algorithm>

namespace colibri {

bool StallSites::knows(std::uint64_t key) const noexcept {
  const SmallLockGuard guard(lock_);
  return sites_.count(key) != 0;
}

bool StallSites::count(std::uint64_t key, std::string_view place, std::int64_t now,
                       unsigned reports_per_minute) {
  const SmallLockGuard guard(lock_);
  auto found = sites_.find(key);
  if (found == sites_.end()) {
    if (sites_.size() == kMostSites) {
      ++unknown_;
      return false;
    }
    found = sites_.emplace(key, Site{{std::string(place), 0}, false}).first;
  }
  Site& site = found->second;
  ++site.site.count;
  if (site.reported) return false;
  site.reported = may_report(now, reports_per_minute);
  return site.reported;
}

bool StallSites::may_report(std::int64_t now, unsigned reports_per_minute) noexcept {
  constexpr std::int64_t kMinute = 60'000'000'000;
  if (now >= minute_ends_) {
    minute_ends_ = now + kMinute;
    reports_ = 0;
  }
  if (reports_ >= reports_per_minute) return false;
  ++reports_;
  return true;
}

void StallSites::count_unknown() noexcept {
  const SmallLockGuard guard(lock_);
  ++unknown_;
}

std::vector<StallSite> StallSites::list() const {
  const SmallLockGuard guard(lock_);
  std::vector<StallSite> all;
  for (const auto& [key, site] : sites_) all.push_back(site.site);
  std::stable_sort(all.begin(), all.end(), [](const StallSite& left, const StallSite& right) {
    return left.count > right.count;
  });
  if (unknown_ != 0) all.push_back({"elsewhere", unknown_});
  return all;
}

void StallSites::clear() noexcept {
  const SmallLockGuard guard(lock_);
  sites_.clear();
  unknown_ = 0;
  minute_ends_ = 0;
  reports_ = 0;
}

}  // namespace colibri
