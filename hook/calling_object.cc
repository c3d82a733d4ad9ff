#include "colibri/hook/calling_object.h"

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/object_kind.h"

namespace colibri {

bool may_park_caller(const void* address) noexcept {
  return parkable_coroutine() != nullptr && kind_of_object(address) != ObjectKind::kServant;
}

}  // namespace colibri
