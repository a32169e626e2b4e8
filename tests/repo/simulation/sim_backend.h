#pragma once

#include <functional>

#include "checker.h"
#include "mem_backend.h"
#include "scheduler.h"

namespace cairn::test {

/// One process's way to the shared storage: every call that others can notice, or that notices
/// others, is a turn of the scheduler. The seed decides where the process dies: from then on every
/// call fails without effect, which is all that a dead process does.
class SimBackend final : public repo::store::Backend {
 public:
  struct Options {
    std::uint64_t crash_one_in = 0;  ///< calls; 0: never
    std::uint64_t sleep_one_in = 0;  ///< calls; 0: never
    std::uint64_t sleep_turns = 60;
  };
  SimBackend(MemBackend& storage, Scheduler& scheduler, Checker& checker, std::size_t actor,
             const Options& options)
      : storage_(storage),
        scheduler_(scheduler),
        checker_(checker),
        actor_(actor),
        options_(options) {}

  [[nodiscard]] bool is_dead() const noexcept { return is_dead_; }

  core::Result<std::unique_ptr<repo::store::ObjectWriter>> start() override;
  core::Result<core::Bytes> get(const repo::store::ObjectName& name,
                                std::uint64_t size_max) override;
  core::Status get_range(const repo::store::ObjectName& name, std::uint64_t offset,
                         core::MutableByteView out) override;
  core::Result<std::optional<std::uint64_t>> size(const repo::store::ObjectName& name) override;
  core::Status list(repo::format::ObjectKind kind,
                    const std::function<void(const repo::store::ListedObject&)>& visit,
                    const std::function<void(std::string_view)>& foreign) override;
  core::Status remove(const repo::store::ObjectName& name) override;

  /// publish() of an object that is complete.
  core::Status put_whole(const repo::store::ObjectName& name, core::ByteView data);

 private:
  /// Waits for its turn; fails if the process dies here, or has died.
  core::Status turn();

  MemBackend& storage_;
  Scheduler& scheduler_;
  Checker& checker_;
  std::size_t actor_;
  Options options_;
  bool is_dead_ = false;
};

}  // namespace cairn::test
