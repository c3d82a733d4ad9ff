#include "colibri/hook/counted_call.h"

namespace colibri {
namespace {

/// Before anybody can ask for the names.
[[gnu::constructor]] void register_names() noexcept {
  HookNames::set(hook::kHookedNames);
}

}  // namespace
}  // namespace colibri
