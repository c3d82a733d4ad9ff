#include "colibri/net/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <map>
#include <optional>

#include "colibri/core/future.h"
#include "colibri/core/libc.h"
#include "colibri/core/mutex.h"
#include "colibri/core/offload.h"
#include "colibri/net/net_error.h"

namespace colibri {
namespace {

using Answer = std::shared_ptr<const NameAnswer>;

class NameCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "name resolution"; }
  std::string message(int error) const override { return gai_strerror(error); }
};

NameAnswer look_up_by_libc(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;  // else each address comes once for every type
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  NameAnswer answer;
  answer.error = real::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (answer.error == EAI_SYSTEM) answer.system_error = errno;
  if (answer.error != 0) return answer;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    answer.addresses.emplace_back(each->ai_addr, each->ai_addrlen);
  }
  freeaddrinfo(list);
  if (answer.addresses.empty()) answer.error = EAI_NODATA;
  return answer;
}

/// The address that `host` is, if it is one.
std::optional<Address> address_in(const std::string& host, std::uint16_t port) {
  in_addr ipv4;
  if (inet_pton(AF_INET, host.c_str(), &ipv4) == 1) return Address::ipv4(ipv4, port);
  in6_addr ipv6;
  if (inet_pton(AF_INET6, host.c_str(), &ipv6) == 1) return Address::ipv6(ipv6, port);
  return std::nullopt;
}

/// Somebody may know better in a moment.
bool is_temporary(const NameAnswer& answer) noexcept {
  return answer.error == EAI_AGAIN || answer.error == EAI_SYSTEM || answer.error == EAI_MEMORY;
}

std::vector<Address> with_port(const std::vector<Address>& addresses, std::uint16_t port) {
  std::vector<Address> result;
  result.reserve(addresses.size());
  for (const Address& each : addresses) result.push_back(each.with_port(port));
  return result;
}

}  // namespace

const std::error_category& name_category() noexcept {
  static const NameCategory category;
  return category;
}

/// What a Resolver and its lookups share.
struct Resolver::State {
  struct Entry {
    Answer answer;  // null: none yet
    // Until then it is given without asking.
    Deadline fresh = Deadline::at_nanoseconds(0);
    Deadline usable;                        // until then it is better than a temporary failure
    std::optional<Future<Answer>> running;  // somebody is being asked
  };

  explicit State(ResolverOptions how) : options(std::move(how)) {
    if (!options.look_up) options.look_up = look_up_by_libc;
  }

  /// With the lock held: which answer counts now that `came` has come.
  Answer remember(Entry& entry, const Answer& came) {
    const bool keeps_old = entry.answer != nullptr && entry.answer->error == 0 &&
                           is_temporary(*came) && !entry.usable.has_passed();
    if (!keeps_old) {
      entry.answer = came;
      entry.usable = Deadline::after(options.usable_for);
    }
    entry.fresh = Deadline::after(came->error == 0 ? options.fresh_for : options.failures_for);
    return entry.answer;
  }

  /// With the lock held: makes room for one more.
  void make_room() {
    while (entries.size() >= std::max<std::size_t>(options.most_names, 1)) {
      auto oldest = entries.end();
      for (auto each = entries.begin(); each != entries.end(); ++each) {
        if (each->second.running) continue;
        if (oldest == entries.end() || each->second.fresh < oldest->second.fresh) oldest = each;
      }
      if (oldest == entries.end()) return;  // all are being looked up
      entries.erase(oldest);
    }
  }

  ResolverOptions options;
  Mutex lock;  // over what follows
  std::map<std::string, Entry, std::less<>> entries;
};

/// A lookup on its way to a helper thread, and there.
class NameLookup final : public HelperJob {
 public:
  NameLookup(std::shared_ptr<Resolver::State> state, std::string host)
      : state_(std::move(state)), host_(std::move(host)) {}

  Future<Answer> future() const { return promise_.future(); }

  void run() noexcept override {
    Answer answer = look_up();
    {
      const std::lock_guard guard(state_->lock);
      Resolver::State::Entry& entry = state_->entries[host_];
      answer = state_->remember(entry, answer);
      entry.running.reset();
    }
    promise_.set(std::move(answer));
  }

 private:
  Answer look_up() const {
    try {
      return std::make_shared<const NameAnswer>(state_->options.look_up(host_));
    } catch (const std::bad_alloc&) {
      static const auto no_memory =
          std::make_shared<const NameAnswer>(NameAnswer{EAI_MEMORY, 0, {}});
      return no_memory;
    }
  }

  const std::shared_ptr<Resolver::State> state_;
  const std::string host_;
  Promise<Answer> promise_;
};

Resolver::Resolver(ResolverOptions options) : state_(std::make_shared<State>(std::move(options))) {}

std::vector<Address> Resolver::resolve(std::string_view host, std::uint16_t port,
                                       Deadline deadline) const {
  const std::string name(host);
  if (const std::optional<Address> address = address_in(name, port)) return {*address};
  std::optional<Future<Answer>> running;
  Answer answer;
  {
    const std::lock_guard guard(state_->lock);
    auto entry = state_->entries.find(name);
    if (entry == state_->entries.end()) {
      state_->make_room();
      entry = state_->entries.emplace(name, State::Entry{}).first;
    }
    if (entry->second.answer != nullptr && !entry->second.fresh.has_passed()) {
      answer = entry->second.answer;
    } else if (!entry->second.running) {
      auto lookup = std::make_unique<NameLookup>(state_, name);
      Future<Answer> future = lookup->future();
      submit_to_helper(std::move(lookup), HelperSet::kNames);
      entry->second.running = std::move(future);
    }
    running = entry->second.running;
  }
  if (answer == nullptr) {
    if (!running->wait_until(deadline)) net_detail::throw_error(ETIMEDOUT, "resolve " + name);
    answer = running->get();
  }
  if (answer->error == EAI_SYSTEM) net_detail::throw_error(answer->system_error, "resolve " + name);
  if (answer->error != 0)
    throw std::system_error(answer->error, name_category(), "resolve " + name);
  return with_port(answer->addresses, port);
}

void Resolver::forget(std::string_view host) const {
  const std::lock_guard guard(state_->lock);
  const auto entry = state_->entries.find(host);
  if (entry != state_->entries.end()) entry->second.fresh = Deadline::at_nanoseconds(0);
}

}  // namespace colibri
