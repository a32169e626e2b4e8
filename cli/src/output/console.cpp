#include "output/console.h"

#include <fmt/format.h>

#include <cerrno>
#include <ostream>

#include "text/escape.h"

namespace cairn::cli {
namespace {

std::string problem_text(const repo::Problem& problem, std::string_view verb) {
  switch (problem.kind) {
    case repo::ProblemKind::unreadable:
      return fmt::format("cannot {} {}: {}", verb, problem.path, problem.reason);
    case repo::ProblemKind::changed_while_read:
      return fmt::format("{} changed while it was read: {}", problem.path, problem.reason);
    case repo::ProblemKind::incomplete_metadata:
      return fmt::format("{}: {}", problem.path, problem.reason);
    case repo::ProblemKind::vanished:
      return fmt::format("{} vanished before it was read: {}", problem.path, problem.reason);
    case repo::ProblemKind::changed_unnoticed:
    case repo::ProblemKind::lost:
      return fmt::format("{}: {}", problem.path, problem.reason);
  }
  return problem.path;
}

}  // namespace

Console::Console(Streams& streams, const ConsoleOptions& options)
    : streams_(streams),
      json_(options.json),
      quiet_(options.quiet),
      verbose_(options.verbose),
      shows_progress_(!options.quiet && !options.no_progress &&
                      (options.json || streams.err_is_terminal)),
      start_ns_(streams.clock.monotonic_ns()) {}

void Console::print(std::string_view line) {
  end_progress();
  streams_.out << escape_text(line) << '\n';
}

void Console::say(std::string_view line) {
  if (!quiet_ && !json_ && !streams_.out_is_closed) {
    print(line);
  }
}

void Console::note(std::string_view line) {
  if (!quiet_ && !json_) {
    to_err(escape_text(line));
  }
}

void Console::print_json(const Json& value) {
  end_progress();
  streams_.out << to_line(value) << '\n';
}

void Console::write(std::string_view bytes) {
  streams_.out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void Console::error(const core::Error& error, ExitCode exit_code) {
  if (json_) {
    to_err(to_line(error_view(error, exit_code)));
    return;
  }
  to_err("cairn: " + escape_text(error.message()));
  if (!error.hint().empty()) {
    to_err(escape_text(error.hint()));
  }
}

void Console::warning(std::string_view text) {
  if (json_) {
    Json json{{"type", "warning"}};
    put_bytes(json, "message", text);
    to_err(to_line(json));
  } else {
    to_err("cairn: warning: " + escape_text(text));
  }
}

void Console::detail(std::string_view text) {
  if (!verbose_) {
    return;
  }
  if (json_) {
    Json json{{"type", "detail"}};
    put_bytes(json, "message", text);
    to_err(to_line(json));
  } else {
    to_err(escape_text(text));
  }
}

void Console::problem(const repo::Problem& problem, std::string_view verb) {
  if (json_) {
    print_aside(problem_view(problem));
  } else {
    to_err("cairn: " + escape_text(problem_text(problem, verb)));
  }
}

void Console::change(repo::Change change, std::string_view path) {
  if (!verbose_) {
    return;
  }
  if (json_) {
    Json json{{"type", "change"}, {"change", to_string(change)}};
    put_bytes(json, "path", path);
    print_aside(json);
  } else {
    to_err(escape_text(fmt::format("{:<9} {}", to_string(change), path)));
  }
}

void Console::change(repo::RestoreAction action, std::string_view path) {
  if (!verbose_ || action == repo::RestoreAction::unchanged) {
    return;
  }
  if (json_) {
    Json json{{"type", "change"}, {"action", to_string(action)}};
    put_bytes(json, "path", path);
    print_aside(json);
  } else {
    std::string word(to_string(action));
    std::replace(word.begin(), word.end(), '_', ' ');
    to_err(escape_text(fmt::format("{:<12} {}", word, path)));
  }
}

void Console::progress(const repo::Progress& progress) {
  if (streams_.progress_wanted && streams_.progress_wanted()) {
    tell_progress(progress);
  }
  if (!shows_progress_ || (json_ && one_object_) ||
      !update_limit_.allows(streams_.clock.monotonic_ns())) {
    return;
  }
  if (json_) {
    streams_.out << to_line(progress_view(progress, elapsed_ns())) << std::endl;
    return;
  }
  // The last column stays free: some terminals begin a new line when it is used.
  const std::size_t columns = streams_.err_columns ? streams_.err_columns() : 80;
  const std::string line =
      render_progress(progress, elapsed_ns(), columns > 1 ? columns - 1 : columns);
  streams_.err << fmt::format("\r{}\x1b[K", line) << std::flush;
  line_is_drawn_ = true;
}

void Console::print_aside(const Json& value) {
  if (one_object_) {
    to_err(to_line(value));
  } else {
    print_json(value);
  }
}

void Console::tell_progress(const repo::Progress& progress) {
  constexpr std::size_t kColumns = 200;
  to_err(json_ ? to_line(progress_view(progress, elapsed_ns()))
               : "cairn: " + render_progress(progress, elapsed_ns(), kColumns));
}

void Console::end_progress() {
  if (line_is_drawn_) {
    streams_.err << "\r\x1b[K" << std::flush;
    line_is_drawn_ = false;
  }
}

bool Console::reader_is_gone() const { return !streams_.out.good() && out_error() == EPIPE; }

core::Status Console::check_output() const {
  if (streams_.out.good()) {
    return {};
  }
  const int error_number = out_error();
  return core::fail(error_number == 0
                        ? core::Error(core::ErrorCode::io, "write standard output: failed")
                        : core::errno_error(error_number, "write standard output"));
}

core::Status Console::finish() {
  end_progress();
  streams_.out.flush();
  return check_output();
}

void Console::to_err(std::string_view line) {
  end_progress();
  streams_.err << line << std::endl;
}

int Console::out_error() const { return streams_.out_error ? streams_.out_error() : 0; }

std::uint64_t Console::elapsed_ns() { return streams_.clock.monotonic_ns() - start_ns_; }

void ConsoleObserver::problem(const repo::Problem& problem) {
  if (problem.kind == repo::ProblemKind::unreadable) {
    ++unreadable_;
  } else if (problem.kind == repo::ProblemKind::changed_while_read) {
    ++torn_;
  } else if (problem.kind == repo::ProblemKind::incomplete_metadata) {
    ++incomplete_;
  } else if (problem.kind == repo::ProblemKind::changed_unnoticed) {
    ++unnoticed_;
  }
  console_.problem(problem, verb_);
}

}  // namespace cairn::cli
