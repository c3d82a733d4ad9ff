// The template of the calls that look up a record and lay it out in a buffer of the program's, as
// gethostbyname_r and getpwnam_r do, and of their kin that keep the buffer to themselves.
#pragma once

#include <netdb.h>

#include <concepts>

#include "colibri/core/local.h"
#include "colibri/hook/name_call.h"

namespace colibri {

/// `look_up(record, buffer, size, result, host_error)` is the call, with libc's result.
template <class Record, class LookUp>
class RecordCall final : public HelperCall {
 public:
  RecordCall(const char* original, std::size_t size, LookUp look_up)
      : buffer(original, size), look_up_(std::move(look_up)) {}
  void run() noexcept override {
    errno = error;
    h_errno = host_error;
    result = look_up_(&record, buffer.data(), buffer.size(), &found, &host_error);
    error = errno;
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

/// A call of the kind that is given a buffer. `relocate(record, mirror, buffer)` moves the record's
/// pointers there. `host_error` may be null.
template <class Record, class LookUp>
int look_up_record(Record* record, char* buffer, std::size_t size, Record** found, int* host_error,
                   LookUp look_up, void (*relocate)(Record&, const MirroredBuffer&, char*)) {
  const auto call = std::make_shared<RecordCall<Record, LookUp>>(buffer, size, std::move(look_up));
  if (const int error = run_by_name_helper(call); error != 0) {
    *found = nullptr;
    if (host_error != nullptr) *host_error = NETDB_INTERNAL;
    errno = error;
    return error;
  }
  errno = call->error;
  if (host_error != nullptr) *host_error = call->host_error;
  *found = nullptr;
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
template <class Record, class Call>
Record* look_up_kept(KeptRecord<Record>& kept, Call call) {
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
}

}  // namespace colibri
