#include "colibri/hook/object_file.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>

namespace colibri::hook {
namespace {

std::string path_of_program() {
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : "the program";
}

/// References to functions and objects by name, and not those to parts of the object itself.
bool is_reference(std::uint32_t type) noexcept {
#if defined(__x86_64__)
  return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT || type == R_X86_64_64;
#else
  return type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT || type == R_AARCH64_ABS64;
#endif
}

/// A variable of a library's that the program has a copy of; libraries use that, too.
bool is_copy(std::uint32_t type) noexcept {
#if defined(__x86_64__)
  return type == R_X86_64_COPY;
#else
  return type == R_AARCH64_COPY;
#endif
}

}  // namespace

ObjectFile::ObjectFile(const dl_phdr_info& info)
    : path_(*info.dlpi_name != '\0' ? info.dlpi_name : path_of_program()), base_(info.dlpi_addr) {
  low_ = ~ElfW(Addr){0};
  const ElfW(Dyn)* dynamic = nullptr;
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info.dlpi_phdr[i];
    const ElfW(Addr) begin = base_ + segment.p_vaddr;
    if (segment.p_type == PT_DYNAMIC) dynamic = reinterpret_cast<const ElfW(Dyn)*>(begin);
    if (segment.p_type == PT_TLS) thread_variable_bytes_ = segment.p_memsz;
    if (segment.p_type != PT_LOAD) continue;
    low_ = std::min(low_, begin);
    high_ = std::max(high_, begin + segment.p_memsz);
    if ((segment.p_flags & PF_X) != 0 && (segment.p_flags & PF_R) != 0) {
      code_ = {reinterpret_cast<const std::uint8_t*>(begin), segment.p_filesz};
    }
  }
  if (dynamic != nullptr) read_dynamic(dynamic);
}

bool ObjectFile::contains(const void* address) const noexcept {
  const auto number = reinterpret_cast<ElfW(Addr)>(address);
  return number >= low_ && number < high_;
}

/// The dynamic loader turns most of these into addresses; where it has not, they count from the
/// object's base.
template <class Value>
const Value* ObjectFile::at(ElfW(Addr) address) const noexcept {
  return reinterpret_cast<const Value*>(address >= low_ ? address : base_ + address);
}

void ObjectFile::read_dynamic(const ElfW(Dyn) * entry) noexcept {
  for (; entry->d_tag != DT_NULL; ++entry) {
    switch (entry->d_tag) {
      case DT_SYMTAB:
        symbols_ = at<ElfW(Sym)>(entry->d_un.d_ptr);
        break;
      case DT_STRTAB:
        names_ = at<char>(entry->d_un.d_ptr);
        break;
      case DT_JMPREL:
        calls_ = at<ElfW(Rela)>(entry->d_un.d_ptr);
        break;
      case DT_PLTRELSZ:
        calls_bytes_ = entry->d_un.d_val;
        break;
      case DT_RELA:
        data_ = at<ElfW(Rela)>(entry->d_un.d_ptr);
        break;
      case DT_RELASZ:
        data_bytes_ = entry->d_un.d_val;
        break;
      case DT_SYMBOLIC:
        symbolic_ = true;
        break;
      case DT_FLAGS:
        symbolic_ = symbolic_ || (entry->d_un.d_val & DF_SYMBOLIC) != 0;
        break;
      default:
        break;
    }
  }
}

void ObjectFile::for_each_reference(const Visit& visit) const {
  if (symbols_ == nullptr || names_ == nullptr) return;
  visit_table(calls_, calls_bytes_, visit);
  visit_table(data_, data_bytes_, visit);
}

void ObjectFile::visit_table(const ElfW(Rela) * table, std::size_t bytes,
                             const Visit& visit) const {
  if (table == nullptr) return;
  for (const ElfW(Rela) & each : std::span(table, bytes / sizeof(ElfW(Rela)))) {
    const auto type = static_cast<std::uint32_t>(ELF64_R_TYPE(each.r_info));
    if (!is_reference(type) && !is_copy(type)) continue;
    const char* name = names_ + symbols_[ELF64_R_SYM(each.r_info)].st_name;
    if (*name == '\0') continue;
    auto* const place = reinterpret_cast<void* const*>(base_ + each.r_offset);
    visit(name, is_copy(type) ? place : *place);
  }
}

}  // namespace colibri::hook
