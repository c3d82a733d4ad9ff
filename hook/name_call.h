// The template of the calls that look names up: libc asks files, servers and whatever else
// nsswitch.conf names, with system calls that nobody can hook. So a helper thread makes the call.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "colibri/core/helper_call.h"
#include "colibri/hook/blocking_call.h"

namespace colibri {

/// A copy of a string that may be null. Throws std::bad_alloc when it is made.
class OptionalString {
 public:
  explicit OptionalString(const char* text) {
    if (text != nullptr) text_ = text;
  }
  const char* get() const noexcept { return text_ ? text_->c_str() : nullptr; }

 private:
  std::optional<std::string> text_;
};

/// For HelperCall::describe: "getaddrinfo example". `argument` may be null.
inline void describe_call(std::span<char> text, const char* function,
                          const char* argument) noexcept {
  const std::string_view parts[] = {function, argument != nullptr ? " " : "",
                                    argument != nullptr ? argument : ""};
  std::size_t used = 0;
  for (const std::string_view part : parts) {
    used += part.copy(text.data() + used, text.size() - 1 - used);
  }
  text[used] = '\0';
}

/// Makes `call` of these arguments, has a helper run it, and waits on these terms. 0, or what kept
/// it from that: ENOMEM, and then there is no call; or ETIMEDOUT or ECANCELED, and then it is its
/// helper's, if there is one. In a coroutine.
template <class Call, class... Arguments>
int run_new_by_name_helper(const WaitTerms& terms, std::shared_ptr<Call>& call,
                           const Arguments&... arguments) {
  if (!may_begin()) return errno;
  try {
    call = std::make_shared<Call>(arguments...);
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
  return error_of(run_on_helper(call, HelperSet::kNames, terms));
}

/// Room in the heap that stands for a buffer of the program's: as large, and as aligned, so that
/// what libc lays out in it fits there, too.
class MirroredBuffer {
 public:
  /// Throws std::bad_alloc.
  MirroredBuffer(const char* original, std::size_t size)
      : room_(size + kAlignment),
        size_(size),
        begin_(room_.data() + (reinterpret_cast<std::uintptr_t>(original) -
                               reinterpret_cast<std::uintptr_t>(room_.data())) %
                                  kAlignment) {}
  MirroredBuffer(const MirroredBuffer&) = delete;
  MirroredBuffer& operator=(const MirroredBuffer&) = delete;

  char* data() noexcept { return begin_; }
  std::size_t size() const noexcept { return size_; }
  void copy_to(char* original) const noexcept { std::memcpy(original, begin_, size_); }
  /// Makes a pointer into this one into the buffer at `original`; leaves others alone.
  template <class Object>
  void relocate(Object*& pointer, char* original) const noexcept {
    const auto place = reinterpret_cast<std::uintptr_t>(pointer);
    const auto begin = reinterpret_cast<std::uintptr_t>(begin_);
    if (place < begin || place > begin + size_) return;
    pointer = reinterpret_cast<Object*>(original + (place - begin));
  }
  /// The same for an array of pointers that ends with null, and that has been copied already.
  template <class Object>
  void relocate_all(Object**& array, char* original) const noexcept {
    if (array == nullptr) return;
    relocate(array, original);
    for (Object** each = array; *each != nullptr; ++each) relocate(*each, original);
  }

 private:
  static constexpr std::size_t kAlignment = 16;
  std::vector<char> room_;
  std::size_t size_;
  char* begin_;
};

}  // namespace colibri
