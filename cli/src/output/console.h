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

/// All that a run says: results on standard output, everything else on standard error, as text or
/// as JSON. Whatever text comes in is made safe to print. Not thread-safe.
class Console {
 public:
  Console(Streams& streams, const ConsoleOptions& options);

  [[nodiscard]] bool json() const noexcept { return json_; }
  [[nodiscard]] bool verbose() const noexcept { return verbose_; }
  /// For commands whose JSON is one object: standard output gets nothing else then. Progress is not
  /// told, and problems go to standard error.
  void answer_with_one_object() noexcept { one_object_ = true; }
  /// True if somebody looks at a progress line, and an estimate is worth its cost.
  [[nodiscard]] bool draws_progress() const noexcept { return shows_progress_ && !json_; }

  /// A line that the user asked for.
  void print(std::string_view line);
  /// A line that tells how it went: not with --quiet, not in JSON.
  void say(std::string_view line);
  /// A line of the same kind that goes beside the results, on standard error.
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

  /// Draws the progress line, or writes one of JSON, now and then. To somebody who has asked by
  /// SIGUSR1 it answers with one line on standard error, also with --quiet.
  void progress(const repo::Progress& progress);
  /// Takes the progress line off the terminal.
  void end_progress();

  /// io if standard output did not take all that was written.
  [[nodiscard]] core::Status check_output() const;
  /// True if it did not because the program behind the pipe ended: nothing to complain about.
  [[nodiscard]] bool reader_is_gone() const;
  /// Takes the progress line away, empties the buffer of standard output and checks it.
  core::Status finish();

 private:
  /// A line beside the result: of standard output if that is a stream of lines, else of standard
  /// error.
  void print_aside(const Json& value);
  void tell_progress(const repo::Progress& progress);
  /// `line` is safe to print.
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

/// What the verbs tell, passed on to the console.
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

  /// Files that are not in the snapshot because they could not be read.
  [[nodiscard]] std::uint64_t unreadable() const noexcept { return unreadable_; }
  /// Files that are in the snapshot, but perhaps not in a state that they ever were in.
  [[nodiscard]] std::uint64_t torn() const noexcept { return torn_; }
  /// Objects that are in the snapshot without some attribute.
  [[nodiscard]] std::uint64_t incomplete() const noexcept { return incomplete_; }
  /// Files that are in the snapshot with other bytes than last time, though nothing told of it.
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
