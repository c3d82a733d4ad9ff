// uselocale: in a coroutine the locale is its own.
#include <locale.h>

#include "colibri/core/libc.h"
#include "colibri/core/thread_state.h"

using namespace colibri;

extern "C" {

// Also where a bypass is in force, so that what is set there is put back for nobody else.
locale_t uselocale(locale_t locale) noexcept {
  return thread_state.current != nullptr ? use_locale_in_coroutine(locale)
                                         : real::uselocale(locale);
}

}  // extern "C"
