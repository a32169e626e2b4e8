#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cairn/core/result.h"
#include "cairn/repo/observer.h"
#include "io/streams.h"
#include "output/exit_code.h"
#include "output/json_view.h"
#include "output/progress_line.h"

namespace cairn::cli {

struct ConsoleOptions {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_progress = false;
};

/// All output of a run: results on standard output, everything else on standard error, as text or
/// as JSON. Any text passed in is made safe to print. Not thread-safe.
class Console {
 public:
  Console(Streams& streams, const ConsoleOptions& options);

  [[nodiscard]] bool json() const noexcept { return json_; }
  [[nodiscard]] bool verbose() const noexcept { return verbose_; }
  /// For commands whose JSON is one object: standard output then gets nothing else. Progress is not
  /// reported, and problems go to standard error.
  void answer_with_one_object() noexcept { one_object_ = true; }
  /// True if a progress line is shown, so that an estimate is worth its cost.
  [[nodiscard]] bool draws_progress() const noexcept { return shows_progress_ && !json_; }

  /// A line that the user asked for.
  void print(std::string_view line);
  /// A line about how the run went: not with --quiet, not in JSON.
  void say(std::string_view line);
  /// A line of the same kind on standard error, beside the results.
  void note(std::string_view line);
  /// One JSON value on a line of standard output.
  void print_json(const Json& value);
  /// Bytes as they are.
  void write(std::string_view bytes);

  /// "cairn: message", and the hint on the next line.
  void error(const core::Error& error, ExitCode exit_code);
  void warning(std::string_view text);
  void detail(std::string_view text);
  /// A line on standard error, or a "problem" line of JSON on standard output.
  void problem(const repo::Problem& problem, std::string_view verb);

  /// An object that a backup found changed: for --verbose, as problem().
  void change(repo::Change change, std::string_view path);

  /// What a restore did to one object: for --verbose, on standard error, or in JSON as a line of
  /// standard output.
  void change(repo::RestoreAction action, std::string_view path);

  /// Draws the progress line, or writes one of JSON, now and then. Answers SIGUSR1 with one line on
  /// standard error, even with --quiet.
  void progress(const repo::Progress& progress);
  /// Removes the progress line from the terminal.
  void end_progress();

  /// io if not everything could be written to standard output.
  [[nodiscard]] core::Status check_output() const;
  /// True if that is because the program that reads the pipe has ended, which is no error.
  [[nodiscard]] bool reader_is_gone() const;
  /// Removes the progress line, flushes standard output and checks it.
  core::Status finish();

 private:
  /// A line beside the result: on standard output if that is a stream of lines, else on standard
  /// error.
  void print_aside(const Json& value);
  void tell_progress(const repo::Progress& progress);
  /// Requires that `line` is safe to print.
  void to_err(std::string_view line);
  [[nodiscard]] int out_error() const;
  [[nodiscard]] std::uint64_t elapsed_ns();

  Streams& streams_;
  bool json_;
  bool quiet_;
  bool verbose_;
  bool shows_progress_;
  UpdateLimit update_limit_;
  std::uint64_t start_ns_;
  bool one_object_ = false;
  bool line_is_drawn_ = false;
};

/// Passes the reports of the verbs on to the console.
class ConsoleObserver final : public repo::Observer {
 public:
  /// `verb` is what a problem kept us from doing to a file: "read", "restore".
  explicit ConsoleObserver(Console& console, std::string_view verb = "read")
      : console_(console), verb_(verb) {}

  void progress(const repo::Progress& progress) override { console_.progress(progress); }
  void change(repo::Change change, std::string_view path) override {
    console_.change(change, path);
  }
  void problem(const repo::Problem& problem) override;
  void restored(repo::RestoreAction action, std::string_view path) override {
    console_.change(action, path);
  }
  void detail(std::string_view text) override { console_.detail(text); }
  void warning(std::string_view text) override { console_.warning(text); }

  /// Files missing from the snapshot because they could not be read.
  [[nodiscard]] std::uint64_t unreadable() const noexcept { return unreadable_; }
  /// Files in the snapshot, but perhaps in a state that they never had.
  [[nodiscard]] std::uint64_t torn() const noexcept { return torn_; }
  /// Objects in the snapshot that lack some attribute.
  [[nodiscard]] std::uint64_t incomplete() const noexcept { return incomplete_; }
  /// Files in the snapshot whose bytes differ from last time though nothing showed it.
  [[nodiscard]] std::uint64_t unnoticed() const noexcept { return unnoticed_; }

 private:
  Console& console_;
  std::string_view verb_;
  std::uint64_t unreadable_ = 0;
  std::uint64_t torn_ = 0;
  std::uint64_t incomplete_ = 0;
  std::uint64_t unnoticed_ = 0;
};

}  // namespace cairn::cli
