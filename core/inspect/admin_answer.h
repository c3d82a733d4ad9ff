// What the admin socket answers.
#pragma once

#include <string>
#include <string_view>

namespace colibri {

/// What an answer begins with that is none but an error.
inline constexpr std::string_view kAdminSuccess = "ok\n";

/// The answer to a line of a client's:
///
///   ps              a heading, and a line a coroutine, fields with tabs between
///   dump            the stacks of all coroutines, equal ones together
///   bt [ID]         the same; or the stack of one coroutine
///   why ID          whom it waits for, whom that one waits for, and so on
///   deadlocks       circles of those who wait for each other
///   leaks           those that nobody can ever wake
///   metrics         numbers for Prometheus; see metrics.h
///   top SECONDS     who runs how long from now on: a heading, and a line a coroutine
///   trace SECONDS   what ran when from now on; see trace.h
///
/// It begins with kAdminSuccess, or is "error: " and a sentence. Schedulers that do not answer
/// within five seconds are named. Any thread but those of schedulers. Throws std::bad_alloc.
std::string answer_admin_request(std::string_view request);

}  // namespace colibri
