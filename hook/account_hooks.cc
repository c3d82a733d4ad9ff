// getpwnam, getpwuid, getgrnam, getgrgid and their kin that are given a buffer: NSS may ask a
// server.
#include <grp.h>
#include <pwd.h>

#include "colibri/hook/record_call.h"

namespace colibri {
namespace {

constinit RealFunction real_getpwnam{"getpwnam", ::getpwnam};
constinit RealFunction real_getpwuid{"getpwuid", ::getpwuid};
constinit RealFunction real_getgrnam{"getgrnam", ::getgrnam};
constinit RealFunction real_getgrgid{"getgrgid", ::getgrgid};
constinit RealFunction real_getpwnam_r{"getpwnam_r", ::getpwnam_r};
constinit RealFunction real_getpwuid_r{"getpwuid_r", ::getpwuid_r};
constinit RealFunction real_getgrnam_r{"getgrnam_r", ::getgrnam_r};
constinit RealFunction real_getgrgid_r{"getgrgid_r", ::getgrgid_r};

CoroutineLocal<KeptRecord<passwd>> kept_user;
CoroutineLocal<KeptRecord<group>> kept_group;

void relocate_user(passwd& user, const MirroredBuffer& from, char* to) {
  for (char** each :
       {&user.pw_name, &user.pw_passwd, &user.pw_gecos, &user.pw_dir, &user.pw_shell}) {
    from.relocate(*each, to);
  }
}

void relocate_group(group& members, const MirroredBuffer& from, char* to) {
  from.relocate(members.gr_name, to);
  from.relocate(members.gr_passwd, to);
  from.relocate_all(members.gr_mem, to);
}

/// `real(key, record, buffer, size, found)`, on a helper; a `Copy` of the key goes there.
template <class Copy, class Real, class Key, class Record>
int look_up(const Real& real, Key key, Record* record, char* buffer, std::size_t size,
            Record** found, void (*relocate)(Record&, const MirroredBuffer&, char*)) {
  const auto make = [&real, key] {
    return [&real, copy = Copy(key)](Record* into, char* room, std::size_t room_size,
                                     Record** result, int*) {
      if constexpr (std::same_as<Copy, std::string>) {
        return real(copy.c_str(), into, room, room_size, result);
      } else {
        return real(copy, into, room, room_size, result);
      }
    };
  };
  return look_up_record(record, buffer, size, found, nullptr, make, relocate);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int getpwnam_r(const char* name, passwd* user, char* buffer, size_t size, passwd** found) {
  if (parkable_coroutine() == nullptr) return real_getpwnam_r(name, user, buffer, size, found);
  return look_up<std::string>(real_getpwnam_r, name, user, buffer, size, found, &relocate_user);
}

int getpwuid_r(uid_t id, passwd* user, char* buffer, size_t size, passwd** found) {
  if (parkable_coroutine() == nullptr) return real_getpwuid_r(id, user, buffer, size, found);
  return look_up<uid_t>(real_getpwuid_r, id, user, buffer, size, found, &relocate_user);
}

int getgrnam_r(const char* name, group* members, char* buffer, size_t size, group** found) {
  if (parkable_coroutine() == nullptr) return real_getgrnam_r(name, members, buffer, size, found);
  return look_up<std::string>(real_getgrnam_r, name, members, buffer, size, found, &relocate_group);
}

int getgrgid_r(gid_t id, group* members, char* buffer, size_t size, group** found) {
  if (parkable_coroutine() == nullptr) return real_getgrgid_r(id, members, buffer, size, found);
  return look_up<gid_t>(real_getgrgid_r, id, members, buffer, size, found, &relocate_group);
}

passwd* getpwnam(const char* name) {
  if (parkable_coroutine() == nullptr) return real_getpwnam(name);
  return look_up_kept(kept_user, [=](auto... rest) { return getpwnam_r(name, rest...); });
}

passwd* getpwuid(uid_t id) {
  if (parkable_coroutine() == nullptr) return real_getpwuid(id);
  return look_up_kept(kept_user, [=](auto... rest) { return getpwuid_r(id, rest...); });
}

group* getgrnam(const char* name) {
  if (parkable_coroutine() == nullptr) return real_getgrnam(name);
  return look_up_kept(kept_group, [=](auto... rest) { return getgrnam_r(name, rest...); });
}

group* getgrgid(gid_t id) {
  if (parkable_coroutine() == nullptr) return real_getgrgid(id);
  return look_up_kept(kept_group, [=](auto... rest) { return getgrgid_r(id, rest...); });
}

}  // extern "C"
