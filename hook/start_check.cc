// At the program's start: are the hooks in force at all? The linker can put them where nobody finds
// them, and says nothing. Looking up one name shows it; report() says the rest.
#include <dlfcn.h>

#include <cstdlib>
#include <string>

#include "colibri/core/log.h"
#include "colibri/hook/report.h"

namespace colibri::hook {
namespace {

bool is_first(const char* name) noexcept {
  Dl_info here{};
  Dl_info found{};
  const void* visible = dlsym(RTLD_DEFAULT, name);
  return visible == nullptr || dladdr(reinterpret_cast<const void*>(&is_first), &here) == 0 ||
         dladdr(visible, &found) == 0 || here.dli_fbase == found.dli_fbase;
}

[[gnu::constructor]] void check_at_start() {
  // A preloaded library says it in its own words.
  if (std::getenv("COLIBRI_PRELOADED") != nullptr || is_first("read")) return;
  Dl_info found{};
  dladdr(dlsym(RTLD_DEFAULT, "read"), &found);
  const std::string where = found.dli_fname != nullptr ? found.dli_fname : "elsewhere";
  log(LogLevel::kWarning,
      "the hooks are not in force for shared libraries: they find read in " + where +
          " before colibri's. Link colibri before -lc, without --exclude-libs and hidden "
          "visibility; colibri::hook::report().text() says more");
}

}  // namespace
}  // namespace colibri::hook
