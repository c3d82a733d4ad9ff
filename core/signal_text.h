// Text for standard error from signal handlers: no memory is taken, no lock, no hook.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace colibri {

/// A piece of text of bounded length; what does not fit is cut off.
class SignalText {
 public:
  SignalText& add(std::string_view text) noexcept;
  SignalText& add_number(std::uint64_t number) noexcept;
  SignalText& add_hexadecimal(std::uint64_t number) noexcept;
  /// "256 KiB", "2 MiB".
  SignalText& add_size(std::size_t bytes) noexcept;
  /// A function's symbol, as a person would write it where it is a plain, possibly nested name.
  SignalText& add_symbol(const char* symbol) noexcept;

  std::string_view view() const noexcept { return {bytes_, size_}; }
  /// Writes it to standard error and empties it.
  void write() noexcept;

 private:
  char bytes_[1024];
  std::size_t size_ = 0;
};

}  // namespace colibri
