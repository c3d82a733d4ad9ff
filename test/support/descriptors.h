// Descriptors in tests: what the process has open, and pipes and socket pairs that close
// themselves.
#pragma once

#include <cstddef>
#include <string>

namespace colibri::test {

/// How many descriptors the process has open, but for what libc opens for a moment.
std::size_t open_descriptors();

/// A line for each of them: its number and what it is, as /proc says; one more is the look's own.
std::string names_of_open_descriptors();

/// The number of colibri's own descriptor of the given kind ("eventpoll", "eventfd"); -1 if there
/// is none. Of several, the highest.
int internal_descriptor_of_kind(const std::string& kind);

/// How often the eventfd `descriptor` was written to since it was made (colibri never reads it).
unsigned long long times_written(int eventfd);

/// Two connected descriptors, non-blocking. Closed at the end, as the hooks close: detached from
/// all event loops first.
class DescriptorPair {
 public:
  /// A pipe: `reader()` reads what `writer()` was given.
  static DescriptorPair pipe();
  /// Connected stream sockets of the Unix domain; each end reads and writes.
  static DescriptorPair sockets();

  DescriptorPair(DescriptorPair&& other) noexcept;
  DescriptorPair& operator=(DescriptorPair&&) = delete;
  ~DescriptorPair();

  int reader() const noexcept { return ends_[0]; }
  int writer() const noexcept { return ends_[1]; }
  void close_reader() noexcept { close_end(0); }
  void close_writer() noexcept { close_end(1); }

  /// Writes one byte to the writer's end.
  void put(char byte) const noexcept;
  /// Reads one byte from the reader's end; -1 if there is none.
  int take() const noexcept;
  /// Writes until the writer's end takes no more.
  void fill() const noexcept;
  /// Reads until the reader's end has no more.
  void drain() const noexcept;

 private:
  DescriptorPair(int reader, int writer) noexcept : ends_{reader, writer} {}
  void close_end(int index) noexcept;

  int ends_[2];
};

}  // namespace colibri::test
