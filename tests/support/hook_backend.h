#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "store/backend/backend.h"

namespace cairn::test {

/// Lets a test act between the calls of whoever works on a repository. Calls wait for each other,
/// and for what the test does. Thread-safe.
class HookBackend final : public repo::store::Backend {
 public:
  struct Call {
    std::uint64_t number = 1;  ///< since construction; 1 is the first
    bool lists = false;
    repo::format::ObjectKind kind{};
  };
  using Hook = std::function<void(const Call&)>;

  HookBackend(std::unique_ptr<repo::store::Backend> real, Hook before_each)
      : real_(std::move(real)), hook_(std::move(before_each)) {}

  core::Result<std::unique_ptr<repo::store::ObjectWriter>> start() override {
    const std::scoped_lock lock(mutex_);
    return real_->start();
  }
  core::Result<core::Bytes> get(const repo::store::ObjectName& name,
                                std::uint64_t size_max) override {
    const auto lock = announce(name.kind);
    return real_->get(name, size_max);
  }
  core::Status get_range(const repo::store::ObjectName& name, std::uint64_t offset,
                         core::MutableByteView out) override {
    const auto lock = announce(name.kind);
    return real_->get_range(name, offset, out);
  }
  core::Result<std::optional<std::uint64_t>> size(const repo::store::ObjectName& name) override {
    const auto lock = announce(name.kind);
    return real_->size(name);
  }
  core::Status list(repo::format::ObjectKind kind,
                    const std::function<void(const repo::store::ListedObject&)>& visit,
                    const std::function<void(std::string_view)>& foreign) override {
    const auto lock = announce(kind, true);
    return real_->list(kind, visit, foreign);
  }
  core::Status remove(const repo::store::ObjectName& name) override {
    const auto lock = announce(name.kind);
    return real_->remove(name);
  }

 private:
  [[nodiscard]] std::unique_lock<std::mutex> announce(repo::format::ObjectKind kind,
                                                      bool lists = false) {
    std::unique_lock<std::mutex> lock(mutex_);
    calls_ += 1;
    hook_({.number = calls_, .lists = lists, .kind = kind});
    return lock;
  }

  std::unique_ptr<repo::store::Backend> real_;
  Hook hook_;
  std::mutex mutex_;
  std::uint64_t calls_ = 0;
};

}  // namespace cairn::test
