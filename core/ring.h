// A queue of a fixed number of values in one piece of memory.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace colibri {

/// First in, first out. Not thread-safe.
template <class T>
class Ring {
 public:
  /// Takes all its memory now. Throws std::bad_alloc, and std::bad_array_new_length.
  explicit Ring(std::size_t capacity)
      : capacity_(capacity),
        values_(capacity == 0 ? nullptr : std::allocator<T>().allocate(capacity)) {}
  ~Ring() {
    while (!empty()) pop_front();
    if (values_ != nullptr) std::allocator<T>().deallocate(values_, capacity_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  bool empty() const noexcept { return size_ == 0; }
  bool full() const noexcept { return size_ == capacity_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }

  /// It must not be full.
  void push_back(T&& value) noexcept {
    std::construct_at(values_ + wrapped(first_ + size_), std::move(value));
    ++size_;
  }

  /// It must not be empty.
  T pop_front() noexcept {
    T* const place = values_ + first_;
    T value(std::move(*place));
    std::destroy_at(place);
    first_ = wrapped(first_ + 1);
    --size_;
    return value;
  }

 private:
  std::size_t wrapped(std::size_t index) const noexcept {
    return index < capacity_ ? index : index - capacity_;
  }

  std::size_t capacity_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  T* values_;
};

}  // namespace colibri
