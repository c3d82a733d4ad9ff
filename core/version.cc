#include "colibri/core/version.h"

// The numbers as text: a macro's argument is replaced by its value only on the way to a second one.
#define COLIBRI_TEXT(number) #number
#define COLIBRI_VERSION_TEXT(major, minor, patch) \
  COLIBRI_TEXT(major) "." COLIBRI_TEXT(minor) "." COLIBRI_TEXT(patch)

namespace colibri {

const char* version() noexcept {
  return COLIBRI_VERSION_TEXT(COLIBRI_VERSION_MAJOR, COLIBRI_VERSION_MINOR, COLIBRI_VERSION_PATCH);
}

}  // namespace colibri
