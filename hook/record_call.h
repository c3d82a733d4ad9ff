// The template of the calls that look up a record and lay it out in a buffer of the program's, as
// gethostbyname_r and getpwnam_r do, and of their kin that keep the buffer to themselves.
#pragma once

#include <netdb.h>

#include <concepts>

#include "colibri/core/local.h"
#include "colibri/hook/name_call.h"

namespace colibri {

/// `look_up(record, buffer, size, result, host_error)` is the call, with libc's result. Throws
/// std::bad_alloc when it is made.
template <class Record, class LookUp>
class RecordCall final : public HelperCall {
 public:
  template <class MakeLookUp>
  RecordCall(const char* original, std::size_t size, const MakeLookUp& make_look_up)
      : buffer(original, size), look_up_(make_look_up()) {}
  void run() noexcept override {
    errno = error;
    h_errno = host_error;
    result = look_up_(&record, buffer.data(), buffer.size(), &found, &host_error);
    error = errno;
  }

  void describe(std::span<char> text) const noexcept override {
    describe_call(text, "lookup of a record", nullptr);
  }

  int result = 0;
  int error = errno;         // the caller's, then the call's
  int host_error = h_errno;  // likewise
  Record record{};
  Record* found = nullptr;
  MirroredBuffer buffer;

 private:
  const LookUp look_up_;
};

/// A call of the kind that is given a buffer, by `make_look_up()`, which copies its arguments.
/// `relocate(record, mirror, buffer)` moves the record's pointers there. `host_error` may be null.
/// Returns libc's result; or ENOMEM, ETIMEDOUT or ECANCELED, which is then errno, too. In a
/// coroutine.
template <class Record, class MakeLookUp>
int look_up_record(Record* record, char* buffer, std::size_t size, Record** found, int* host_error,
                   MakeLookUp make_look_up,
                   void (*relocate)(Record&, const MirroredBuffer&, char*)) {
  std::shared_ptr<RecordCall<Record, decltype(make_look_up())>> call;
  *found = nullptr;
  if (const int error = run_new_by_name_helper(WaitTerms(), call, buffer, size, make_look_up);
      error != 0) {
    if (host_error != nullptr) *host_error = NETDB_INTERNAL;
    errno = error;
    return error;
  }
  errno = call->error;
  if (host_error != nullptr) *host_error = call->host_error;
  if (call->found == nullptr) return call->result;
  call->buffer.copy_to(buffer);
  *record = call->record;
  relocate(*record, call->buffer, buffer);
  *found = record;
  return call->result;
}

/// What the kin without a buffer return lives as long as the coroutine, or until its next call.
template <class Record>
struct KeptRecord {
  Record record{};
  std::vector<char> buffer = std::vector<char>(1024);
};

/// A call of the kind without a buffer, by its kin with one, which says ERANGE for want of room.
/// Null with errno where there is no record: ENOMEM, and what its kin says. In a coroutine.
template <class Record, class Call>
Record* look_up_kept(CoroutineLocal<KeptRecord<Record>>& local, Call call) {
  try {
    KeptRecord<Record>& kept = local.get();
    for (;;) {
      Record* found = nullptr;
      const int result = call(&kept.record, kept.buffer.data(), kept.buffer.size(), &found);
      if (found != nullptr) return found;
      if (result != ERANGE) {
        if (result != 0) errno = result;
        return nullptr;
      }
      kept.buffer.resize(2 * kept.buffer.size());
    }
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return nullptr;
  }
}

}  // namespace colibri
