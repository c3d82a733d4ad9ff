// What of a loaded ELF object matters to the hook doctor.
#pragma once

#include <link.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace colibri::hook {

/// An object in memory. A view: valid as long as it stays loaded.
class ObjectFile {
 public:
  explicit ObjectFile(const dl_phdr_info& info);

  /// The program's own path for the program itself.
  const std::string& path() const noexcept { return path_; }
  bool contains(const void* address) const noexcept;
  /// It was linked with -Bsymbolic or the like.
  bool is_symbolic() const noexcept { return symbolic_; }

  /// Calls `visit(name, target)` for each function or object of another one that it refers to.
  /// `target` is where the reference leads now; into this object itself, if it is a call that was
  /// not made yet and will be looked up then.
  using Visit = std::function<void(std::string_view name, const void* target)>;
  void for_each_reference(const Visit& visit) const;

  /// What its thread-local variables take in each thread.
  std::size_t thread_variable_bytes() const noexcept { return thread_variable_bytes_; }

  /// Its instructions, as bytes.
  std::span<const std::uint8_t> code() const noexcept { return code_; }

 private:
  void read_dynamic(const ElfW(Dyn) * entry) noexcept;
  void visit_table(const ElfW(Rela) * table, std::size_t bytes, const Visit& visit) const;
  template <class Value>
  const Value* at(ElfW(Addr) address) const noexcept;

  std::string path_;
  ElfW(Addr) base_;
  ElfW(Addr) low_ = 0;
  ElfW(Addr) high_ = 0;
  std::size_t thread_variable_bytes_ = 0;
  std::span<const std::uint8_t> code_;
  const ElfW(Sym) * symbols_ = nullptr;
  const char* names_ = nullptr;
  const ElfW(Rela) * calls_ = nullptr;
  std::size_t calls_bytes_ = 0;
  const ElfW(Rela) * data_ = nullptr;
  std::size_t data_bytes_ = 0;
  bool symbolic_ = false;
};

}  // namespace colibri::hook
