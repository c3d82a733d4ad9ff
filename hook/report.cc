#include "colibri/hook/report.h"

#include <dlfcn.h>

#include <algorithm>
#include <string_view>

#include "colibri/hook/hooked_names.h"
#include "colibri/hook/object_file.h"
#include "colibri/hook/object_kind.h"
#include "colibri/hook/raw_system_calls.h"

namespace colibri::hook {
namespace {

/// Parts of stdio that wait in libc. Sorted.
constexpr std::string_view kBlockingStdio[] = {
    "__fgetws_chk",
    "__fwprintf_chk",
    "__isoc99_fwscanf",
    "__isoc99_scanf",
    "__isoc99_vfwscanf",
    "__isoc99_vscanf",
    "__vfwprintf_chk",
    "fgetwc",
    "fgetwc_unlocked",
    "fgetws",
    "fgetws_unlocked",
    "fputwc",
    "fputwc_unlocked",
    "fputws",
    "fputws_unlocked",
    "fwprintf",
    "fwscanf",
    "getchar",
    "getchar_unlocked",
    "getwc",
    "getwc_unlocked",
    "getwchar",
    "getwchar_unlocked",
    "putwc",
    "putwc_unlocked",
    "scanf",
    "stdin",
    "ungetwc",
    "vfwprintf",
    "vfwscanf",
    "vscanf",
};

/// The object that holds `address`; empty when none does.
std::string path_of(const void* address) {
  Dl_info info{};
  return dladdr(address, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

bool is_ours(const void* address) noexcept {
  Dl_info here{};
  Dl_info there{};
  return dladdr(reinterpret_cast<const void*>(&is_ours), &here) != 0 &&
         dladdr(address, &there) != 0 && here.dli_fbase == there.dli_fbase;
}

/// libc and the dynamic loader call themselves by other ways.
bool is_system(std::string_view path) noexcept {
  const std::string_view file = path.substr(path.rfind('/') + 1);
  for (const char* name : {"libc.so", "libpthread.so", "ld-linux", "linux-vdso"}) {
    if (file.starts_with(name)) return true;
  }
  return false;
}

/// What is found by name from everywhere.
const void* visible_definition(const std::string& name) noexcept {
  return dlsym(RTLD_DEFAULT, name.c_str());
}

class Inspection {
 public:
  explicit Inspection(const ObjectFile& object) : object_(object) { found_.path = object.path(); }

  ObjectReport run() {
    object_.for_each_reference([this](std::string_view name, const void* target) {
      if (is_hooked(name)) note(std::string(name), target);
      if (is_blocking_stdio(name)) found_.blocking_stdio.emplace_back(name);
    });
    auto& names = found_.blocking_stdio;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    found_.raw_system_calls = find_raw_system_calls(object_.code());
    if (is_programs()) found_.thread_variable_bytes = object_.thread_variable_bytes();
    return std::move(found_);
  }

 private:
  bool is_programs() const noexcept {
    const ObjectKind kind = kind_of_object(object_.code().data());
    return kind == ObjectKind::kExecutable || kind == ObjectKind::kLibrary;
  }

  static bool is_blocking_stdio(std::string_view name) noexcept {
    return std::binary_search(std::begin(kBlockingStdio), std::end(kBlockingStdio), name);
  }

  void note(const std::string& name, const void* target) {
    if (target == nullptr || is_known(name)) return;
    const void* visible = visible_definition(name);
    // A call that was not made yet leads back into the object, which looks the name up then.
    const bool unresolved = object_.contains(target) && !is_ours(target);
    if (unresolved && !defines(target)) target = visible;
    if (target == nullptr || is_ours(target)) {
      found_.hooked.push_back(name);
    } else {
      found_.escaped.push_back({name, reason(target, visible), path_of(target)});
    }
  }

  bool is_known(const std::string& name) const noexcept {
    return std::find(found_.hooked.begin(), found_.hooked.end(), name) != found_.hooked.end() ||
           std::any_of(found_.escaped.begin(), found_.escaped.end(),
                       [&name](const EscapedName& each) { return each.name == name; });
  }

  /// Whether `target` is a function of the object, and not the place that looks one up.
  static bool defines(const void* target) noexcept {
    Dl_info info{};
    return dladdr(target, &info) != 0 && info.dli_saddr == target;
  }

  Escape reason(const void* target, const void* visible) const noexcept {
    if (object_.contains(target)) return Escape::kOwn;
    if (visible != nullptr && is_ours(visible)) return Escape::kDeepBound;
    // Somebody else's is found first. If ours cannot be found at all, it is hidden.
    return next_is_ours(visible) ? Escape::kBehind : Escape::kHidden;
  }

  /// Whether one of the objects behind the first finds ours.
  static bool next_is_ours(const void* visible) noexcept {
    Dl_info info{};
    if (visible == nullptr || dladdr(visible, &info) == 0) return false;
    void* ours = nullptr;
    Dl_info here{};
    if (dladdr(reinterpret_cast<const void*>(&is_ours), &here) == 0) return false;
    // Opened again by its path, an object finds its own definitions, if they can be seen.
    void* handle = dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == nullptr) return false;
    if (info.dli_sname != nullptr) ours = dlsym(handle, info.dli_sname);
    dlclose(handle);
    return ours != nullptr && is_ours(ours);
  }

  const ObjectFile& object_;
  ObjectReport found_;
};

/// Only takes down what there is: the loader's lock is held, and looking names up takes another.
int take_down(dl_phdr_info* info, std::size_t /*size*/, void* objects) {
  ObjectFile object(*info);
  const bool is_us = object.contains(reinterpret_cast<const void*>(&is_ours));
  // What colibri is linked into is bound to it already; but a program calls other libraries.
  if (is_system(object.path()) || (is_us && *info->dlpi_name != '\0')) return 0;
  static_cast<std::vector<ObjectFile>*>(objects)->push_back(std::move(object));
  return 0;
}

std::string remedy(Escape reason) {
  switch (reason) {
    case Escape::kHidden:
      return "colibri's definition is hidden in the object that it is linked into; link without "
             "-Wl,--exclude-libs and -fvisibility=hidden for it";
    case Escape::kBehind:
      return "another definition stands before colibri's; link colibri before it and before -lc, "
             "without -Wl,--as-needed, or preload it";
    case Escape::kDeepBound:
      return "the object looks into its own libraries first; open it without RTLD_DEEPBIND, link "
             "it without -Bsymbolic";
    case Escape::kOwn:
      return "the object has a definition of its own; link it with the shared libc";
  }
  return "";
}

void add_escapes(std::string& text, const ObjectReport& object) {
  for (const Escape reason : {Escape::kHidden, Escape::kBehind, Escape::kDeepBound, Escape::kOwn}) {
    std::string names;
    std::string target;
    for (const EscapedName& each : object.escaped) {
      if (each.reason != reason) continue;
      names.append(" ").append(each.name);
      target = each.target;
    }
    if (names.empty()) continue;
    text.append("  ESCAPE").append(names).append("\n    to ").append(target);
    text.append(": ").append(remedy(reason)).append("\n");
  }
}

void add_line(std::string& text, const char* head, const std::vector<std::string>& names) {
  if (names.empty()) return;
  text += head;
  for (const std::string& name : names) text += " " + name;
  text += "\n";
}

}  // namespace

bool is_hooked(std::string_view name) noexcept {
  return std::binary_search(std::begin(kHookedNames), std::end(kHookedNames), name);
}

bool Report::complete() const noexcept {
  return std::all_of(objects.begin(), objects.end(),
                     [](const ObjectReport& each) { return each.escaped.empty(); });
}

std::string Report::text() const {
  std::string text;
  for (const ObjectReport& object : objects) {
    text += object.path + "\n";
    add_line(text, "  hooked:", object.hooked);
    add_escapes(text, object);
    add_line(text, "  stdio that blocks its thread:", object.blocking_stdio);
    if (object.thread_variable_bytes != 0) {
      text +=
          "  thread-local variables: " + std::to_string(object.thread_variable_bytes) + " bytes\n";
    }
    if (object.raw_system_calls.empty()) continue;
    text += "  raw system calls, which nobody can hook:";
    for (const int number : object.raw_system_calls) {
      text += std::string(" ") + name_of_system_call(number);
    }
    text += "\n";
  }
  text += complete() ? "Every call by name comes to colibri.\n"
                     : "Some calls escape, and block their thread.\n";
  return text;
}

Report report() {
  std::vector<ObjectFile> objects;
  dl_iterate_phdr(&take_down, &objects);
  Report result;
  for (const ObjectFile& object : objects) {
    ObjectReport found = Inspection(object).run();
    if (!found.hooked.empty() || !found.escaped.empty() || !found.raw_system_calls.empty() ||
        !found.blocking_stdio.empty() || found.thread_variable_bytes != 0) {
      result.objects.push_back(std::move(found));
    }
  }
  return result;
}

}  // namespace colibri::hook
